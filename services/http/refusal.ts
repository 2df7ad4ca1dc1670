/** How a refusal is written down and counted: one line, one word. */
import type { LogFields } from '../kit/log.ts'
import type { HttpContext } from './context.ts'
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
  { log, counts }: Pick<HttpContext, 'log' | 'counts'>,
  route: Route,
  reason: Reason,
  who: LogFields,
): void {
  const { message, action, severity } = REASONS[reason]
  counts.refused(route, reason)
  const hint = severity === 'info' ? {} : { hint: action }
  log[LEVEL_OF[severity]]({ route, reason, ...who, ...hint }, `refused ${THINGS[route]}: ${message}`)
}
