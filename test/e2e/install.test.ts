import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { countOf, LIFE_LIMIT_MS, oneOfEach, stateOf, timelineOf, withLab } from './rig.ts'

test('BIOS and UEFI install themselves from power-on, and boot their disk when switched on again', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab({ machines: oneOfEach(), standInMiB: 64 }, async ({ lab, start, machines, folder }) => {
    const ends = await Promise.all(
      machines.map(async ({ name }) => {
        const machine = await start(name)
        const first = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS })
        await machine.exited
        const from = machine.serial.lines.length
        machine.powerOn()
        const second = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS, from })
        return [first.outcome, second.outcome, await stateOf(lab, name)]
      }),
    )
    expect(ends).toEqual([
      ['installed', 'booted-disk', 'installed'],
      ['installed', 'booted-disk', 'installed'],
    ])
    const loaders = ['undionly.kpxe', 'snponly.efi']
    // What iPXE's ROM and OVMF ask for: a block that fits into their buffers, and windows where they know them.
    const log = readFileSync(join(folder, 'appliance.log'), 'utf8')
    expect(log).toMatch(/"sending undionly\.kpxe to [\d.]+ in blocks of 1432, 1 at a time/)
    expect(log).toMatch(/"sending snponly\.efi to [\d.]+ in blocks of 1468, 4 at a time/)
    for (const [index, { name }] of machines.entries()) {
      const entries = await timelineOf(lab, name)
      expect(entries.find(({ type }) => type === 'loader-sent')?.text).toMatch(`sent loader ${loaders[index]}`)
      expect([
        countOf(entries, 'attempt-started'),
        countOf(entries, 'answer-served'),
        countOf(entries, 'reported'),
      ]).toEqual([1, 1, 1])
      expect(entries.find(({ type }) => type === 'answer-served')?.text).toMatch(
        /^served the answer from base \+ lab-disk to (10\.77\.1\.\d+); it installs \1 as static: reserved from now on$/,
      )
      // Told once after its installation and once after the second power-on.
      expect(countOf(entries, 'local-disk-told')).toBe(2)
      expect(entries.filter(({ anomaly }) => anomaly)).toEqual([])
    }
  })
})
