/** Is there hardware virtualisation that works? `/dev/kvm` may exist and be useless, so a machine is booted to see. */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootDisk, DISK_BOOTED } from '../stand-in/boot-disk.ts'
import type { Acceleration } from './command-line.ts'
import { QEMU } from './requirements.ts'

const PROBE_LIMIT_MS = 20_000

let probed: Promise<Acceleration> | undefined

/**
 * `kvm` when a machine boots with it within 20 seconds, else `tcg` (emulation, which carries every flow, slowly). Tried once a
 * process.
 */
export function probeAcceleration(): Promise<Acceleration> {
  probed ??= probe()
  return probed
}

async function probe(): Promise<Acceleration> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    return 'tcg'
  }
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-kvm-'))
  try {
    const disk = join(folder, 'disk.img')
    await writeFile(disk, bootDisk())
    return (await boots(disk)) ? 'kvm' : 'tcg'
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Does the disk say on the serial port that it was booted? */
function boots(disk: string): Promise<boolean> {
  const words = [
    '-accel',
    'kvm',
    '-cpu',
    'host',
    '-m',
    '64',
    '-nodefaults',
    '-display',
    'none',
    '-machine',
    'pc,graphics=off',
    '-no-reboot',
  ]
  const drive = `file=${disk},format=raw,if=virtio`
  const child = spawn(QEMU, [...words, '-serial', 'stdio', '-drive', drive, '-net', 'none'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return new Promise(resolve => {
    let said = ''
    let ended = false
    const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_LIMIT_MS)
    const end = (): void => {
      if (ended) return
      ended = true
      clearTimeout(timer)
      resolve(said.includes(DISK_BOOTED))
    }
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString('latin1')
    })
    child.once('error', end)
    child.once('close', end)
  })
}
