/** One log line and one count for whatever the door does, by its reason. Never a password, a token, a link, or a name that nobody has: people type passwords there. */
import { calmLog } from '../kit/calm-log.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { Meter } from '../kit/meter.ts'
import { type Reason, REASONS } from './reasons.ts'

export type AccessFields = {
  /** Of a user, a token, or who made a link. */
  user?: string
  role?: string
  /** Who asks, as far as the network knows. */
  from?: string
  method?: string
  /** The pattern, not the path. */
  route?: string
}

export type TellAccess = (reason: Reason, fields: AccessFields) => void

/** Every page that is loaded before the sign-in asks once. */
const QUIET: ReadonlySet<Reason> = new Set(['not-signed-in'])

export function tellAccess({
  log,
  meter,
  clock,
}: {
  log: Log
  meter: Meter
  clock: Pick<Clock, 'elapsed'>
}): TellAccess {
  const calm = calmLog(log, clock)
  const count = meter.counter('rackrise_console_access_total', 'What the door of the console did, by reason', [
    'reason',
  ])
  return (reason, fields) => {
    const { message, action, severity } = REASONS[reason]
    count({ reason })
    if (QUIET.has(reason)) calm.debug({ reason, ...fields }, message)
    else if (severity === 'info') calm.info({ reason, ...fields }, message)
    else calm.warn({ reason, ...fields, hint: action }, message)
  }
}
