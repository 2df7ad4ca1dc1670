/** Writes down what there is to tell a target of the events that it was not looked at for. */
import type { Clock } from '../kit/clock.ts'
import { nextTurn } from '../kit/next-turn.ts'
import { eventOf } from '../machine/fold.ts'
import type { Registry } from '../machine/registry.ts'
import { stateAfter } from '../machine/state-after.ts'
import type { Site, WebhookTarget } from '../site/types.ts'
import type { EventRow, EventStore, NewOutboxRow, OutboxStore } from '../store/types.ts'
import { bodyFor, eventToTell, TOLD_TYPES } from './message.ts'
import { targetId } from './sign.ts'

export type Sources = {
  site: Pick<Site, 'name' | 'domain' | 'webhooks'>
  registry: Pick<Registry, 'listing' | 'partings'>
  events: Pick<EventStore, 'timeline'>
  store: Pick<OutboxStore, 'unseen' | 'collect'>
  clock: Pick<Clock, 'now'>
}

/** Events that are looked at in one go. */
const EVENTS_AT_A_TIME = 500

/** One at a time for each target: a row that was taken meanwhile would come twice. */
export async function collectFor(target: WebhookTarget, sources: Sources): Promise<void> {
  const id = targetId(target.url)
  for (;;) {
    const events = await sources.store.unseen(id, TOLD_TYPES, EVENTS_AT_A_TIME)
    const last = events.at(-1)
    if (!last) return
    const rows: NewOutboxRow[] = []
    for (const event of events) {
      const row = await rowFor(target, event, sources)
      if (row) rows.push(row)
      await nextTurn()
    }
    await sources.store.collect(id, last.seq, rows)
  }
}

async function rowFor(
  { url, events: wanted }: WebhookTarget,
  row: EventRow,
  { registry, site, clock, events }: Sources,
): Promise<NewOutboxRow | undefined> {
  const event = eventOf(row)
  // By the time of this look it may install again, or have reported after all.
  const machine = await stateAfter(events, row)
  const told = machine && eventToTell(event, machine)
  if (!machine || !told || !wanted.includes(told)) return undefined
  const body = bodyFor(told, event, { machine, listing: registry.listing(machine), site })
  return {
    target: targetId(url),
    key: body.key,
    machine: machine.id,
    event: told,
    body: JSON.stringify(body),
    createdAt: clock.now(),
  }
}

/** For who has machines forgotten while nobody serves: what a process that was killed had not looked at would go with them. */
export function collectBeforePartings(sources: Sources): void {
  sources.registry.partings.before(async () => {
    await Promise.all(sources.site.webhooks.map(target => collectFor(target, sources)))
  })
}
