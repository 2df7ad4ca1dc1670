import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { LIFE_LIMIT_MS, stateOf, timelineOf, withLab } from './rig.ts'

test('H23 UEFI HTTP Boot: the loader comes by HTTP and not by TFTP, and the machine installs itself', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab({ machines: planMachines(1, 'uefi-http', true) }, async ({ lab, start }) => {
    const machine = await start('node1')
    const end = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS })
    expect([end.outcome, await stateOf(lab, 'node1')]).toEqual(['installed', 'installed'])
    const entries = await timelineOf(lab, 'node1')
    expect(entries.filter(({ type }) => type === 'loader-sent').map(({ source, text }) => `${source} ${text}`)).toEqual(
      [
        expect.stringMatching(/^http sent loader snponly\.efi, \d+ bytes$/),
        expect.stringMatching(/^http sent loader snponly\.efi, \d+ bytes$/),
      ],
    )
    expect(entries.filter(({ anomaly }) => anomaly)).toEqual([])
  })
})
