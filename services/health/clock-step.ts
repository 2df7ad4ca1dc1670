/** Somebody set the clock of this host while the appliance ran. What it measures is not measured by that clock; who reads times should know that they jump. */
import type { Alarms, Trouble } from '../kit/alarms.ts'
import type { Clock, Instant } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'

/** For so long it is shown as something to look at. */
const SHOWN_MS = 3_600_000

const UNITS = [
  ['days', 86_400_000],
  ['hours', 3_600_000],
  ['minutes', 60_000],
] as const

function inWords(milliseconds: number): string {
  const [name, unit] = UNITS.find(([, length]) => milliseconds >= 2 * length) ?? ['seconds', 1000]
  return `${Math.round(milliseconds / unit)} ${name}`
}

export function steppedTrouble(byMs: number, now: Instant): Trouble {
  const how = `${byMs > 0 ? 'forward' : 'back'} by ${inWords(Math.abs(byMs))}`
  return {
    code: 'clock-stepped',
    severity: 'warning',
    message: `the clock of this host was set ${how}, to ${new Date(now).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    hint: 'nothing if a time service put it right: leases, attempts and sessions go on; else set it with `timedatectl set-time`',
  }
}

/** Says so, and looks at the clock anew. Returns how to stop hearing of it. */
export function alarmOfSteps(
  clock: Pick<Clock, 'onStep'>,
  { alarms, log }: { alarms: Pick<Alarms, 'raise'>; log: Log },
  look: () => void,
): () => void {
  return clock.onStep((byMs, now) => {
    const trouble = steppedTrouble(byMs, now)
    alarms.raise(trouble, SHOWN_MS)
    log.warn({ reason: trouble.code, hint: trouble.hint }, trouble.message)
    look()
  })
}
