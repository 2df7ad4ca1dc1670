import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { countOf, LIFE_LIMIT_MS, oneOfEach, stateOf, timelineOf, withLab } from './rig.ts'

/** Node1 BIOS, node2 UEFI by PXE, node3 UEFI by HTTP. */
const MACHINES = [...oneOfEach(), planMachines(3, 'uefi-http', true)[2]!]
/** What brings the loader of each. */
const LOADERS = ['tftp sent loader undionly.kpxe', 'tftp sent loader snponly.efi', 'http sent loader snponly.efi']

test('beside another DHCP server BIOS, UEFI and UEFI HTTP Boot install themselves from power-on, H18 each loader once a boot', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab({ machines: MACHINES, otherServer: true }, async ({ lab, start, machines }) => {
    const ends = await Promise.all(
      machines.map(async ({ name }) => {
        const machine = await start(name)
        const { outcome } = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS })
        const source = machine.serial.lines.find(line => line.startsWith('answer at https://')) ?? ''
        return [outcome, await stateOf(lab, name), source.endsWith('(from the mode file)')]
      }),
    )
    expect(ends).toEqual(machines.map(() => ['installed', 'installed', true]))
    for (const [index, { name }] of machines.entries()) {
      const entries = await timelineOf(lab, name)
      // No address is ours to give, and the answer is fetched with a token all the same.
      expect([countOf(entries, 'leased'), countOf(entries, 'answer-looked-up')]).toEqual([0, 0])
      expect(entries.find(({ type }) => type === 'answer-served')?.text).toMatch(
        /^served the answer from base \+ lab-disk to 10\.77\.1\.\d+$/,
      )
      const loader = LOADERS[index]!
      const file = loader.split(' ').at(-1)!
      const boot = [`dhcp told the firmware to load ${file}`, loader, 'dhcp told the ipxe to load its boot script']
      const told = entries
        .filter(({ type }) => type === 'boot-told' || type === 'loader-sent')
        .map(({ source, text }) => `${source} ${text.replace(/, \d+ bytes$/, '')}`)
      // The installation, and the boot after it.
      expect(told).toEqual([...boot, ...boot])
      expect(entries.filter(({ anomaly }) => anomaly)).toEqual([])
    }
  })
})
