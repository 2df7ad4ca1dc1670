/** What DNS counts: every message by its reason, and what is kept. */
import type { Meter } from '../kit/meter.ts'
import type { DnsReason } from './reasons.ts'

export type DnsCounts = { decided(reason: DnsReason): void }

/** What is kept in memory now. */
export type Kept = { prepared: number; answers: number; octets: number; waiting: number }

export function dnsCounts(meter: Meter, kept: () => Kept): DnsCounts {
  const decisions = meter.counter('rackrise_dns_decisions_total', 'Messages that came, by what was made of them', [
    'reason',
  ])
  meter.gauge('rackrise_dns_prepared_replies', 'Replies that are ready to be given again', [], () => [
    [{}, kept().prepared],
  ])
  meter.gauge('rackrise_dns_cached_answers', 'Upstream answers whose TTL runs', [], () => [[{}, kept().answers]])
  meter.gauge('rackrise_dns_cached_octets', 'Their size in memory, roughly', [], () => [[{}, kept().octets]])
  meter.gauge('rackrise_dns_upstream_questions', 'Questions that wait for upstream resolvers', [], () => [
    [{}, kept().waiting],
  ])
  return { decided: reason => decisions({ reason }) }
}
