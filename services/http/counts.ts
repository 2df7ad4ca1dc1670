/** What HTTP counts. Every label has its values from a closed table: routes, outcomes, reasons, parts. */
import type { Meter } from '../kit/meter.ts'
import type { LocalDiskCause } from '../boot/script.ts'
import type { Reason, Route } from './reasons.ts'

/** What was decided, beside refusals. */
export type Outcome =
  | { route: 'script'; outcome: 'install' | 'describe' | 'menu' }
  | { route: 'script'; outcome: 'local-disk'; reason: LocalDiskCause }
  | { route: 'answer' | 'first-boot'; outcome: 'served' }
  | { route: 'report'; outcome: 'taken' }

export const PARTS = ['kernel', 'initrd', 'iso', 'loader'] as const
/** Of an attempt or of the library; both cost the same. */
export type Part = (typeof PARTS)[number]

export const FILE_ENDS = ['whole', 'range', 'cut', 'head', 'unchanged', 'no-such-range'] as const
/** `cut`: the client went away, or the file changed. */
export type FileEnd = (typeof FILE_ENDS)[number]

export type HttpCounts = {
  decided(outcome: Outcome): void
  refused(route: Route, reason: Reason): void
  /** From a question to the last byte of its answer being handed over; every answer and every refusal of one. */
  answered(outcome: 'served' | 'refused', seconds: number): void
  ended(part: Part, outcome: FileEnd): void
  sent(part: Part, bytes: number): void
}

export function httpCounts(meter: Meter): HttpCounts {
  const decisions = meter.counter('rackrise_http_decisions_total', 'What was asked for, and what was decided', [
    'route',
    'outcome',
    'reason',
  ])
  const answers = meter.duration('rackrise_http_answer_seconds', 'From a question for an answer to its answer', [
    'outcome',
  ])
  const files = meter.counter('rackrise_http_files_total', 'Boot files that were asked for, by how that ended', [
    'part',
    'outcome',
  ])
  const bytes = meter.counter('rackrise_http_file_bytes_total', 'Octets of boot files that were sent', ['part'])
  return {
    decided: decided =>
      decisions({
        route: decided.route,
        outcome: decided.outcome,
        reason: 'reason' in decided ? decided.reason : 'none',
      }),
    refused: (route, reason) => decisions({ route, outcome: 'refused', reason }),
    answered: (outcome, seconds) => answers({ outcome }, seconds),
    ended: (part, outcome) => files({ part, outcome }),
    sent: (part, octets) => bytes({ part }, octets),
  }
}
