import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { countOf, LIFE_LIMIT_MS, oneOfEach, stateOf, timelineOf, withLab } from './rig.ts'

test('with the ISO as a second initrd, BIOS and UEFI machines install', { timeout: 2 * LIFE_LIMIT_MS }, async () => {
  await withLab({ machines: oneOfEach(), isoDelivery: 'second-initrd' }, async ({ lab, start, machines }) => {
    const ends = await Promise.all(
      machines.map(async ({ name }) => {
        const end = await untilDiskBooted(await start(name), { limitMs: LIFE_LIMIT_MS })
        const entries = await timelineOf(lab, name)
        return [
          end.outcome,
          await stateOf(lab, name),
          countOf(entries, 'initrd-sent'),
          countOf(entries, 'answer-served'),
        ]
      }),
    )
    expect(ends).toEqual(machines.map(() => ['installed', 'installed', 1, 1]))
  })
})
