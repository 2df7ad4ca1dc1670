import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import type { QemuMachine } from '../../services/lab/qemu/machine.ts'
import { countOf, LIFE_LIMIT_MS, oneOfEach, stateOf, timelineOf, untilEvent, withLab } from './rig.ts'

const PAUSE_SECONDS = 8

/** UEFI firmware whose disk does not boot waits in its menu; somebody pulls the plug again, within the three minutes. */
async function cycleOnceMore(machine: QemuMachine, told: Promise<void>): Promise<void> {
  await told
  await machine.powerCycle()
}

test('a machine power-cycled in the middle of its installation resumes the same attempt', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab(
    { machines: oneOfEach(), kernelArgs: [`proxmox-lab-pause=${PAUSE_SECONDS}`] },
    async ({ lab, start, machines }) => {
      const ends = await Promise.all(
        machines.map(async ({ name, firmware }) => {
          const machine = await start(name)
          const paused = await machine.serial.wait(/PAUSING/, LIFE_LIMIT_MS)
          expect(paused).toBeDefined()
          await machine.powerCycle()
          if (firmware === 'uefi') await cycleOnceMore(machine, untilEvent(lab, name, 'local-disk-told'))
          const from = machine.serial.lines.length
          const end = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS, from })
          const entries = await timelineOf(lab, name)
          const view = await lab.fleet.show(name)
          const resumes = 'attempt' in view ? view.attempt?.resumes : undefined
          return [
            end.outcome,
            await stateOf(lab, name),
            countOf(entries, 'attempt-started'),
            countOf(entries, 'answer-served'),
            resumes,
          ]
        }),
      )
      expect(ends).toEqual([
        ['installed', 'installed', 1, 2, 1],
        ['installed', 'installed', 1, 2, 1],
      ])
    },
  )
})
