/** What is watched beside machines: a mark of each that changes when it is worth fetching again. */
import type { IsoCatalogue } from '../iso/catalogue.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Alarms } from '../kit/alarms.ts'
import type { WorkList } from '../kit/work.ts'
import type { Registry } from '../machine/registry.ts'
import type { Outbox } from '../webhook/outbox.ts'
import { EventFeed, type FeedOptions, type Topic } from './event-feed.ts'
import { machineViewer } from './fleet.ts'
import type { LeaseSource } from './leases.ts'
import type { ReloadSource } from './reload-api.ts'

export type Watched = {
  registry: Registry
  alarms: Pick<Alarms, 'list'>
  catalogue: Pick<IsoCatalogue, 'files' | 'folderProblems'>
  leases: Pick<LeaseSource, 'all'>
  outbox: Pick<Outbox, 'views'>
  work: Pick<WorkList, 'list'>
  reloading: Pick<ReloadSource, 'latest' | 'subscribe'>
}

/** Enough to tell that one of ten thousand was renewed, and no copy of them: a sum that no order changes. */
function markOfLeases(records: Awaited<ReturnType<LeaseSource['all']>>): string {
  const sum = records.reduce((all, { boundAt, expiresAt, state }) => all + boundAt + 2 * expiresAt + state.length, 0)
  return `${records.length} ${sum}`
}

/** Changes when a machine that was there is gone; one that came is an event. */
function countForgotten(registry: Registry): () => number {
  let known = new Set<string>()
  let forgotten = 0
  return () => {
    const now = new Set<string>(registry.machines().map(({ id }) => id))
    if ([...known].some(id => !now.has(id))) forgotten += 1
    known = now
    return forgotten
  }
}

function topicsOf({ registry, alarms, catalogue, leases, outbox }: Watched): Topic[] {
  return [
    {
      what: 'alarms',
      mark: () => alarms.list().map(({ code, subject, count, endedAt }) => [code, subject, count, endedAt]),
    },
    {
      what: 'isos',
      mark: () => [
        catalogue
          .files()
          .map(({ file, size, result, verification, problems }) => [
            ...[file, size, isProblem(result) ? result.code : '', verification?.at],
            problems.map(({ code }) => code),
          ]),
        catalogue.folderProblems(),
      ],
    },
    { what: 'leases', mark: async () => markOfLeases(await leases.all()) },
    { what: 'webhooks', mark: () => outbox.views() },
    { what: 'machines', mark: countForgotten(registry) },
  ]
}

export function feedOver(
  context: Watched & Omit<FeedOptions, 'events' | 'view' | 'topics'> & { store: { events: FeedOptions['events'] } },
): EventFeed {
  const { registry, store, work, reloading, version, clock, log } = context
  const view = machineViewer(registry)
  return new EventFeed({
    registry,
    events: store.events,
    view,
    work,
    topics: topicsOf(context),
    reloading,
    version,
    clock,
    log,
  })
}
