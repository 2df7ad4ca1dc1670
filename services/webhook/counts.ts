/** What is counted of messages to the site's automation. A target is its number in the site file: its URL may be a secret. */
import type { Clock } from '../kit/clock.ts'
import type { Meter } from '../kit/meter.ts'
import type { OutboxCount } from '../store/types.ts'

export type OutboxCounts = { tried(target: number, outcome: 'taken' | 'failed' | 'given-up'): void }

export const TRY_OUTCOMES = ['taken', 'failed', 'given-up'] as const

export function outboxCounts(meter: Meter): OutboxCounts {
  const tries = meter.counter(
    'rackrise_webhook_tries_total',
    'Messages that were sent to a target, by how that ended',
    ['target', 'outcome'],
  )
  return { tried: (target, outcome) => tries({ target: String(target), outcome }) }
}

const MS_PER_SECOND = 1000

type Views = { views(): Promise<(OutboxCount & { number: number })[]> }

/** What waits, counted when somebody looks. */
export function gaugeOutbox(meter: Meter, outbox: Views, clock: Pick<Clock, 'now'>): void {
  const each = async (pick: (view: OutboxCount) => number) =>
    (await outbox.views()).map(view => [{ target: String(view.number) }, pick(view)] as const)
  meter.gauge('rackrise_webhook_pending', 'Messages that wait for their target', ['target'], () =>
    each(({ pending }) => pending),
  )
  meter.gauge('rackrise_webhook_given_up', 'Messages that a target did not take for three days', ['target'], () =>
    each(({ givenUp }) => givenUp),
  )
  meter.gauge('rackrise_webhook_oldest_seconds', 'Age of the oldest message that waits', ['target'], () =>
    each(({ oldestAt }) => (oldestAt === undefined ? 0 : Math.max(0, clock.now() - oldestAt) / MS_PER_SECOND)),
  )
}
