/**
 * Which old events of a machine may go. What stays folds to exactly the state that all of it folded to, so a timeline can be thinned and its machine be
 * none the wiser, today or when everything is folded anew. Pure.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Instant } from '../kit/clock.ts'
import type { MachineEvent, MachineId } from './event.ts'
import { advance, type Machine, newMachine } from './lifecycle.ts'

/** One that is kept in the store. */
export type KeptEvent = MachineEvent & { seq: number }

/** Work in steps, each of them the fold of the events that were given: some may take hundreds. */
type Steps<T> = Generator<undefined, T>

function foldOf(before: Machine, events: readonly KeptEvent[]): Machine {
  return events.reduce((machine, event) => advance(machine, event).machine, before)
}

/**
 * The fewest events that lead to the same state, or nearly: all that may go are left out, and where that changes something one half of them, then the other,
 * and so on in ever smaller parts. Yields after each trial. @param events between `before` and `after`
 */
function* without(
  candidates: readonly KeptEvent[],
  gone: ReadonlySet<number>,
  leadsOn: (gone: ReadonlySet<number>) => boolean,
): Steps<ReadonlySet<number>> {
  if (candidates.length === 0) return gone
  const more = new Set([...gone, ...candidates.map(({ seq }) => seq)])
  const isEnough = leadsOn(more)
  yield
  if (isEnough) return more
  if (candidates.length === 1) return gone
  const half = candidates.length >> 1
  const first = yield* without(candidates.slice(0, half), gone, leadsOn)
  return yield* without(candidates.slice(half), first, leadsOn)
}

export type Thinned = { gone: number[]; machine: Machine }

const DAY_MS = 24 * 60 * 60_000

/** Old, not the latest sign of life, and not of the latest attempt, which is told whole: until it was installed, else for a day. */
export function mayGo(event: KeptEvent, { attempt, installed, lastEventAt }: Machine, before: Instant): boolean {
  if (event.at >= before || event.at >= lastEventAt) return false
  if (!attempt || event.at < attempt.startedAt) return true
  const isInstalled = installed !== undefined && installed.at >= attempt.startedAt
  return event.at > (isInstalled ? installed.at : attempt.startedAt + DAY_MS)
}

/**
 * @param before the machine as what is kept before these events leaves it; undefined where they are its first
 * @param events some of its oldest, in their order
 * @param isOld whether history can do without it; its state may still need it
 */
export function* thin(
  id: MachineId,
  before: Machine | undefined,
  events: readonly KeptEvent[],
  isOld: (event: KeptEvent) => boolean,
): Steps<Thinned | undefined> {
  const [first] = events
  if (!first) return undefined
  const start = before ?? newMachine(id, first.at)
  const machine = foldOf(start, events)
  // When it was first seen is told by its first event.
  const candidates = events.filter((event, at) => (before !== undefined || at > 0) && isOld(event))
  const gone = yield* without(candidates, new Set(), left =>
    isDeepStrictEqual(
      foldOf(
        start,
        events.filter(({ seq }) => !left.has(seq)),
      ),
      machine,
    ),
  )
  return { gone: [...gone], machine }
}
