import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { countOf, LIFE_LIMIT_MS, stateOf, timelineOf, untilEvent, withLab } from './rig.ts'

test('a download is cut and then refused for a while: iPXE tries again by itself, and the machine installs', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab({ machines: planMachines(1, 'uefi', true), standInMiB: 64 }, async ({ lab, start }) => {
    const machine = await start('node1')
    await untilEvent(lab, 'node1', 'initrd-started')
    lab.appliance.kill('SIGKILL')
    await lab.appliance.exited
    expect(
      await machine.serial.wait(/the initrd was not loaded \(0x[0-9a-f]{8}\), next try in/, LIFE_LIMIT_MS),
    ).toBeTruthy()
    await lab.restartAppliance()
    const end = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS })
    const entries = await timelineOf(lab, 'node1')
    expect([end, await stateOf(lab, 'node1')]).toEqual([{ outcome: 'installed' }, 'installed'])
    const counts = ['script-served', 'load-failed', 'initrd-started', 'answer-served'].map(type =>
      countOf(entries, type),
    )
    expect(counts).toEqual([1, 0, 2, 1])
    expect(entries.filter(({ anomaly }) => anomaly)).toEqual([])
  })
})
