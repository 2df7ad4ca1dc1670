/** What TFTP counts. Every label has its values from a closed table. */
import type { Meter } from '../kit/meter.ts'
import type { FailureReason, RefusalReason, SilenceReason } from './reasons.ts'

export type TftpCounts = {
  /** A request that is served; what becomes of it is told by `ended`. */
  accepted(): void
  refused(reason: RefusalReason): void
  /** What came to port 69 and was not answered. */
  silent(reason: SilenceReason): void
  /** `bytes` are those that the client acknowledged. */
  ended(outcome: 'sent' | 'declined' | 'failed', reason: FailureReason | 'none', bytes: number): void
  /** A timer that ran out: something was lost, or the client is slower than it was. */
  repeated(): void
}

export function tftpCounts(meter: Meter, transfers: () => number): TftpCounts {
  const requests = meter.counter('rackrise_tftp_requests_total', 'What came to port 69, and what was done with it', [
    'outcome',
    'reason',
  ])
  const ended = meter.counter('rackrise_tftp_ended_total', 'Transfers that have ended, and how', ['outcome', 'reason'])
  const bytes = meter.counter('rackrise_tftp_acknowledged_bytes_total', 'Octets of files that clients acknowledged')
  const repeated = meter.counter('rackrise_tftp_repeated_total', 'Windows that were sent again because nothing came')
  meter.gauge('rackrise_tftp_transfers', 'Transfers that run', [], () => [[{}, transfers()]])
  return {
    accepted: () => requests({ outcome: 'transfer', reason: 'none' }),
    refused: reason => requests({ outcome: 'refusal', reason }),
    silent: reason => requests({ outcome: 'silence', reason }),
    ended(outcome, reason, octets) {
      ended({ outcome, reason })
      bytes({}, octets)
    },
    repeated: () => repeated({}),
  }
}
