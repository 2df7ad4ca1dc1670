import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { countOf, LIFE_LIMIT_MS, oneOfEach, stateOf, timelineOf, withLab } from './rig.ts'

test('without options 250 and 251 the answer is found by DNS TXT, on BIOS and UEFI', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab({ machines: oneOfEach(), answerOptions: false }, async ({ lab, start, machines }) => {
    const ends = await Promise.all(
      machines.map(async ({ name }) => {
        const machine = await start(name)
        const end = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS })
        const source = machine.serial.lines.find(line => line.startsWith('answer at https://')) ?? ''
        return [
          end.outcome,
          await stateOf(lab, name),
          countOf(await timelineOf(lab, name), 'answer-looked-up'),
          /dns/i.test(source),
        ]
      }),
    )
    expect(ends).toEqual([
      ['installed', 'installed', 1, true],
      ['installed', 'installed', 1, true],
    ])
  })
})
