/** What DHCP counts. Every label has its values from a closed table: message types, outcomes, reasons, states, the site's subnets. */
import { prefixToString } from '../kit/ipv4.ts'
import type { Meter } from '../kit/meter.ts'
import type { Decision } from './decision.ts'
import type { LeaseTable, SubnetCounts } from './lease-table.ts'
import type { DhcpMessage, MalformedDetail } from './message.ts'
import { messageTypeOf } from './options.ts'
import type { NoteReason, SilenceReason } from './reasons.ts'

export type DhcpCounts = {
  received(): void
  sent(): void
  malformed(detail: MalformedDetail): void
  decided(decision: Decision, request: DhcpMessage): void
  /** Silence that `respond` did not decide: what failed after it, or before it could. */
  failed(reason: SilenceReason, request?: DhcpMessage): void
  noted(reason: NoteReason): void
  written(seconds: number, result: 'written' | 'failed'): void
}

export function dhcpCounts(meter: Meter): DhcpCounts {
  const received = meter.counter('rackrise_dhcp_received_total', 'Datagrams that came to the DHCP port')
  const sent = meter.counter('rackrise_dhcp_sent_total', 'Replies that were sent')
  const malformed = meter.counter('rackrise_dhcp_malformed_total', 'Datagrams that are no DHCP message', ['detail'])
  const decisions = meter.counter('rackrise_dhcp_decisions_total', 'Replies and silences, with their reasons', [
    'type',
    'outcome',
    'reason',
  ])
  const notes = meter.counter('rackrise_dhcp_notes_total', 'What was to be said about a reply', ['reason'])
  const writes = meter.duration('rackrise_dhcp_write_seconds', 'From a decision to its record on stable storage', [
    'result',
  ])
  const typeOf = (request: DhcpMessage | undefined) => (request && messageTypeOf(request)) ?? 'none'
  return {
    received: () => received({}),
    sent: () => sent({}),
    malformed(detail) {
      malformed({ detail })
      decisions({ type: 'none', outcome: 'silence', reason: 'malformed' })
    },
    decided(decision, request) {
      const outcome = decision.do === 'reply' ? decision.type : 'silence'
      decisions({ type: typeOf(request), outcome, reason: decision.reason })
    },
    failed: (reason, request) => decisions({ type: typeOf(request), outcome: 'silence', reason }),
    noted: reason => notes({ reason }),
    written: (seconds, result) => writes({ result }, seconds),
  }
}

/** Leases and pools, counted when somebody looks. */
/** @param counted what the table counts now */
export function gaugeLeases(
  meter: Meter,
  table: Pick<LeaseTable, 'holdCount'>,
  counted: () => readonly SubnetCounts[],
): void {
  const each = <T>(pick: (counts: SubnetCounts) => Record<string, T>) =>
    counted().flatMap(counts => {
      const subnet = prefixToString(counts.subnet.prefix)
      return Object.entries(pick(counts)).map(([state, value]) => [{ subnet, state }, value] as const)
    })
  meter.gauge('rackrise_dhcp_leases', 'Lease records', ['subnet', 'state'], () => each(({ leases }) => leases))
  meter.gauge('rackrise_dhcp_pool_addresses', 'Addresses of the pools', ['subnet', 'state'], () =>
    each(({ poolSize, poolTaken }) => ({ taken: poolTaken, free: poolSize - poolTaken })),
  )
  meter.gauge('rackrise_dhcp_offer_holds', 'Offers that were made and neither taken nor ended', [], () => [
    [{}, table.holdCount],
  ])
}
