/** How a refusal is written down and counted: one line, one word; and which of them a person should look at now. */
import type { LogFields } from '../kit/log.ts'
import { clientAddress, type HttpContext } from './context.ts'
import { LEVEL_OF } from '../kit/severity.ts'
import { REASONS, type Reason, type Route } from './reasons.ts'

const THINGS: Record<Route, string> = {
  script: 'a boot script',
  file: 'a boot file',
  answer: 'an answer',
  report: 'a report',
  'first-boot': 'a first-boot script',
}

/** @param who `address`, and `mac` where it is known whom it is about; `error` is what a person else could not find out */
export function tellRefusal(
  context: Pick<HttpContext, 'log' | 'counts' | 'alarms'>,
  route: Route,
  reason: Reason,
  who: LogFields,
): void {
  const { message, action, severity } = REASONS[reason]
  context.counts.refused(route, reason)
  alarmRefusal(context, route, reason, who)
  const hint = severity === 'info' ? {} : { hint: action }
  context.log[LEVEL_OF[severity]]({ route, reason, ...who, ...hint }, `refused ${THINGS[route]}: ${message}`)
}

/** Routes that tell secrets or end an attempt. */
const GUARDED: ReadonlySet<Route> = new Set(['answer', 'report', 'first-boot'])
/** Somebody claims to be a machine, and something of it is not so (T2); or asks for an answer whose window is closed (T4). */
const SUSPICIOUS: ReadonlySet<Reason> = new Set<Reason>([
  'unknown-token',
  'already-installed',
  'address-mismatch',
  'token-missing',
  'mac-mismatch',
  'uuid-mismatch',
  'serial-mismatch',
])

/** An alarm for each machine that somebody claims to be wrongly; for each address where nobody knows which machine is meant. */
export function alarmRefusal(
  { alarms }: Pick<HttpContext, 'alarms'>,
  route: Route,
  code: Reason,
  who: LogFields,
): void {
  // A script is nobody's secret, but whoever asks for it with another serial number is another box than the one that was approved.
  const isGuarded = GUARDED.has(route) || code === 'serial-mismatch'
  if (!isGuarded || !SUSPICIOUS.has(code)) return
  const [mac, address] = [who['mac'], who['address']].map(one => (typeof one === 'string' ? one : undefined))
  const details = { route, ...(mac ? { mac } : {}), ...(address ? { address } : {}) }
  const message = `refused ${THINGS[route]}${mac ? ` of ${mac}` : ''} to ${address ?? 'somebody'}: ${REASONS[code].message}`
  alarms.raise({
    code,
    subject: mac ?? address ?? '',
    severity: 'warning',
    message,
    hint: REASONS[code].action,
    details,
  })
}

/** One line in the log while it lasts: whoever does this does it a thousand times. */
export function tellTooMany({ alarms, log }: Pick<HttpContext, 'alarms' | 'log'>, client: string, most: number): void {
  const address = clientAddress(client)
  const message = `${address} holds ${most} connections of HTTP; what it opens beyond them is closed`
  const hint = 'look at what runs there; a machine needs one or two'
  const isNews = alarms.raise({ code: 'too-many-connections', subject: address, severity: 'warning', message, hint })
  if (isNews) log.warn({ address, hint }, message)
}
