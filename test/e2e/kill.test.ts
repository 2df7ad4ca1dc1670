import { expect, test } from 'vitest'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { countOf, LIFE_LIMIT_MS, stateOf, timelineOf, untilEvent, withLab } from './rig.ts'

test('the appliance is killed between loader and answer and started again: the machine installs', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab({ machines: planMachines(1, 'uefi', true) }, async ({ lab, start }) => {
    const machine = await start('node1')
    await untilEvent(lab, 'node1', 'initrd-sent')
    const before = lab.appliance.pid
    lab.appliance.kill('SIGKILL')
    await lab.appliance.exited
    await lab.restartAppliance()
    expect(lab.appliance.pid).not.toBe(before)
    const end = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS })
    const entries = await timelineOf(lab, 'node1')
    expect([end, await stateOf(lab, 'node1')]).toEqual([{ outcome: 'installed' }, 'installed'])
    expect([countOf(entries, 'attempt-started'), countOf(entries, 'answer-served')]).toEqual([1, 1])
  })
})
