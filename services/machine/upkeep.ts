/** What a fleet needs done beside its work, now and then: checkpoints, and the end of what is old. */
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { repeat } from '../kit/repeat.ts'
import type { DocumentStore, EventStore } from '../store/types.ts'
import { Checkpoints } from './checkpoint.ts'
import { Pace } from './pace.ts'
import type { Registry } from './registry.ts'
import { type Chore, Retention } from './retention.ts'

const CHECKPOINT_LOOK_MS = 5_000
/** The first sweep comes so long after the start, when a rack that waited for the appliance has been served. */
const RETENTION_LOOK_MS = 10 * 60_000

export type UpkeepOptions = {
  registry: Registry
  /** `waiting`: writes that are not on stable storage yet. */
  store: { events: EventStore; documents: DocumentStore; readonly waiting: number }
  keepMs: () => number
  chores: readonly Chore[]
  clock: Clock
  log: Log
}

/** Resolves with how to stop: what is under way ends first. */
export async function startUpkeep(options: UpkeepOptions): Promise<() => Promise<void>> {
  const { registry, clock, log, store } = options
  const { events, documents } = store
  const pace = new Pace({ clock, waiting: () => store.waiting })
  const checkpoints = await Checkpoints.open({ registry, events, clock, pace })
  const retention = new Retention({ ...options, events, documents, checkpoints, pace })
  const failed = (what: string) => (error: unknown) =>
    log.error({ room: 'machine', error: String(error) }, `${what} failed; it is tried again`)
  const stops = [
    repeat(clock, CHECKPOINT_LOOK_MS, () => checkpoints.look(), failed('a checkpoint of the fleet')),
    repeat(clock, RETENTION_LOOK_MS, () => retention.look(), failed('the sweep of what is old')),
  ]
  return async () => {
    checkpoints.stop()
    retention.stop()
    await Promise.all(stops.map(stop => stop()))
    await registry.close().catch(failed('telling what was only counted'))
  }
}
