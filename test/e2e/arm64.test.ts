import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type LabMachine, planMachines } from '../../services/lab/rack-plan.ts'
import { LIFE_LIMIT_MS, timelineOf, untilEvent, withLab } from './rig.ts'

const FIRMWARE = '/usr/share/AAVMF'
const LOADER_BYTES = 1_000_000

const folder = mkdtempSync(join(tmpdir(), 'rackrise-arm64-'))
let running: ChildProcess | undefined
afterAll(() => {
  running?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** As Debian 13 names them. Nothing here runs the loader: Debian 12 has none for ARM64, and its bytes do not matter to TFTP. */
function loaderFolder(): string {
  const loaders = join(folder, 'loaders')
  mkdirSync(loaders)
  for (const name of ['undionly.kpxe', 'snponly.efi', 'ipxe-arm64.efi'])
    writeFileSync(join(loaders, name), Buffer.alloc(LOADER_BYTES, name))
  return loaders
}

/** QEMU's `virt` board with EDK2 for ARM64, switched on. */
function powerOn({ mac, uuid }: LabMachine, tap: string): ChildProcess {
  const variables = join(folder, 'variables.fd')
  copyFileSync(`${FIRMWARE}/AAVMF_VARS.fd`, variables)
  const flash = (unit: number, rest: string) => ['-drive', `if=pflash,format=raw,unit=${unit},${rest}`]
  const command = [
    ...['--pdeathsig', 'KILL', '--', '/usr/bin/qemu-system-aarch64', '-machine', 'virt', '-cpu', 'cortex-a57'],
    ...['-accel', 'tcg', '-m', '512', '-nodefaults', '-display', 'none', '-uuid', uuid],
    ...['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ...flash(0, `readonly=on,file=${FIRMWARE}/AAVMF_CODE.fd`),
    ...flash(1, `file=${variables}`),
    ...['-netdev', `tap,id=net,ifname=${tap},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=net,mac=${mac},romfile=,bootindex=1`],
  ]
  return spawn('/usr/bin/setpriv', command, { stdio: 'ignore' })
}

test('H04 ARM64 firmware is told the loader of its architecture, and loads it', {
  timeout: LIFE_LIMIT_MS,
}, async () => {
  const machines = planMachines(1, 'uefi', false)
  await withLab({ kind: 'simulated', machines, loaders: loaderFolder() }, async ({ lab }) => {
    await lab.rack.addTap('tap-arm64')
    running = powerOn(machines[0]!, 'tap-arm64')
    await untilEvent(lab, 'node1', 'loader-sent')
    const texts = (await timelineOf(lab, 'node1')).map(({ source, text }) => `${source} ${text}`)
    expect(texts.filter(text => text.includes('loader'))).toEqual([
      expect.stringMatching(/^dhcp gave 10\.77\.1\.\d+ to the firmware, loader ipxe-arm64\.efi$/),
      `tftp sent loader ipxe-arm64.efi, ${LOADER_BYTES} bytes`,
    ])
  })
})
