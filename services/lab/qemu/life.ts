/** One QEMU machine from power-on until its disk was booted: what its serial port says decides how it ended. */
import type { Outcome } from '../stage.ts'
import type { QemuMachine } from './machine.ts'

/** What the stand-in and the disk it writes print. A real installer prints none of these. */
export const SERIAL = {
  installed: /RACKRISE-STAND-IN INSTALLED/,
  failed: /RACKRISE-STAND-IN FAILED: (.*)/,
  disk: /RACKRISE DISK BOOTED/,
  held: /NOT APPROVED/,
} as const

export type LifeOptions = {
  /** The machine is pulled off its plug after this. */
  limitMs: number
  /** First line of this boot, where the machine has lived before. */
  from?: number
}

/** Resolves when the machine's disk was booted, its installer failed, QEMU broke, or the limit passed. */
export async function untilDiskBooted(machine: QemuMachine, { limitMs, from = 0 }: LifeOptions): Promise<Outcome> {
  const { serial } = machine
  const line = await Promise.race([
    serial.wait(new RegExp(`${SERIAL.disk.source}|${SERIAL.failed.source}`), limitMs, from),
    machine.exited.then(how => (how.why === 'qemu' ? `QEMU: ${how.message}` : `switched off (${how.why})`)),
  ])
  // The last line and the end of the process come together: the line counts.
  const said = serial.lines.slice(from)
  const failure = said.map(text => SERIAL.failed.exec(text)).find(match => match !== null)
  if (failure) return { outcome: 'failed', why: failure[1] || 'the installer failed' }
  if (!said.some(text => SERIAL.disk.test(text))) {
    return {
      outcome: 'failed',
      why: line ?? `its disk did not boot within ${Math.round(limitMs / 1000)} s; it said: ${said.at(-1) ?? 'nothing'}`,
    }
  }
  if (said.some(text => SERIAL.installed.test(text))) return { outcome: 'installed' }
  return { outcome: said.some(text => SERIAL.held.test(text)) ? 'held' : 'booted-disk' }
}
