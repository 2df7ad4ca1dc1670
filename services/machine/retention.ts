/**
 * What is older than the site keeps goes, once a day: of timelines all that the state of their machines can do without, and what other rooms have. Some rows at a
 * time with pauses between them, so that no packet waits for it.
 */
import type { Clock, Instant } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { DocumentStore, EventStore } from '../store/types.ts'
import { type Checkpoints, pause } from './checkpoint.ts'
import type { MachineId } from './event.ts'
import { eventOf } from './fold.ts'
import type { Machine } from './lifecycle.ts'
import type { Registry } from './registry.ts'
import { type KeptEvent, mayGo, thin } from './thin.ts'

const EVERY_MS = 24 * 60 * 60_000
/** Of one timeline in one go: to thin them takes a millisecond or two at most. */
const ROWS_AT_A_TIME = 100
const PAUSE_MS = 5

/** What another room has that grows old; resolves with how much of it went. */
export type Chore = { what: string; prune: (before: Instant) => Promise<number> }

export type RetentionOptions = {
  registry: Registry
  checkpoints: Checkpoints
  events: EventStore
  documents: Pick<DocumentStore, 'olderThan' | 'remove'>
  keepMs: number
  chores: readonly Chore[]
  clock: Clock
  log: Log
}

export class Retention {
  readonly #options: RetentionOptions
  #sweptAt = Number.NEGATIVE_INFINITY
  #isStopped = false

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  /** Sweeps if that was not done for a day, or by this process not yet. */
  async look(): Promise<void> {
    const now = this.#options.clock.now()
    if (now - this.#sweptAt < EVERY_MS) return
    this.#sweptAt = now
    await this.sweep()
  }

  /** A sweep that is under way ends with what it has in hand. */
  stop(): void {
    this.#isStopped = true
  }

  async sweep(): Promise<void> {
    const { clock, keepMs, log, chores } = this.#options
    const before = clock.now() - keepMs
    const all: readonly Chore[] = [
      { what: 'events', prune: () => this.#thinTimelines(before) },
      { what: 'documents of former attempts', prune: () => this.#pruneDocuments(before) },
      ...chores,
    ]
    for (const { what, prune } of all) {
      if (this.#isStopped) return
      const pruned = await prune(before)
      if (pruned > 0) log.info({ room: 'machine', what, pruned }, `no longer kept: ${pruned} ${what}`)
    }
  }

  async #thinTimelines(before: Instant): Promise<number> {
    const { registry, checkpoints, clock } = this.#options
    // What its snapshot does not know of yet, a machine may not lose.
    const seq = await checkpoints.write()
    let gone = 0
    for (const { id } of registry.machines()) {
      if (this.#isStopped) break
      gone += await this.#thinTimeline(id, before, seq)
      await pause(clock, PAUSE_MS)
    }
    return gone
  }

  async #thinTimeline(id: MachineId, before: Instant, lastSeq: number): Promise<number> {
    const { registry, events, clock } = this.#options
    let gone = 0
    let state: Machine | undefined
    let after = 0
    for (;;) {
      const rows = await events.timeline(id, after, ROWS_AT_A_TIME)
      const end = rows.findIndex(row => row.at >= before || row.seq > lastSeq)
      const old = (end === -1 ? rows : rows.slice(0, end)).map(row => eventOf(row) as KeptEvent)
      const machine = registry.byId(id)
      const thinned = machine && thin(id, state, old, event => mayGo(event, machine, before))
      if (!thinned) return gone
      if (thinned.gone.length > 0) await events.remove(thinned.gone)
      gone += thinned.gone.length
      if (old.length < ROWS_AT_A_TIME || this.#isStopped) return gone
      state = thinned.machine
      after = old.at(-1)!.seq
      await pause(clock, PAUSE_MS)
    }
  }

  /** The last word of a machine about itself stays, however old, unless a later attempt began since; of machines that are gone nothing does. */
  async #pruneDocuments(before: Instant): Promise<number> {
    const { registry, documents } = this.#options
    const old = await documents.olderThan(before)
    const gone = old.filter(({ machine, attempt }) => {
      const known = registry.byId(machine as MachineId)
      return !known || (attempt !== undefined && attempt !== known.attempt?.id)
    })
    for (const document of gone) await documents.remove(document)
    return gone.length
  }
}
