/**
 * What is older than the site keeps goes, once a day: of timelines all that the state of their machines can do without, and what other rooms have. Some rows at a
 * time with pauses between them, so that no packet waits for it.
 */
import type { Clock, Instant } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { DocumentName, DocumentStore, EventStore } from '../store/types.ts'
import type { Checkpoints } from './checkpoint.ts'
import type { MachineId } from './event.ts'
import { eventOf } from './fold.ts'
import type { Machine } from './lifecycle.ts'
import type { Pace } from './pace.ts'
import type { Registry } from './registry.ts'
import { type KeptEvent, mayGo, thin } from './thin.ts'

const EVERY_MS = 24 * 60 * 60_000
/** Of one timeline, or of the documents, in one go: to read them takes a millisecond or two at most. */
export const ROWS_AT_A_TIME = 100
const PAUSE_MS = 5
/** So many go in one transaction, and those of the page beside them: each lies on a page of its own, and leases wait meanwhile. */
const REMOVED_AT_A_TIME = 50
const REMOVED_PAUSE_MS = 25

/** What another room has that grows old; resolves with how much of it went. */
export type Chore = { what: string; prune: (before: Instant) => Promise<number> }

export type RetentionOptions = {
  registry: Registry
  checkpoints: Checkpoints
  events: EventStore
  documents: Pick<DocumentStore, 'page' | 'remove'>
  /** Of the site as it is now. */
  keepMs: () => number
  pace: Pace
  chores: readonly Chore[]
  clock: Clock
  log: Log
}

export class Retention {
  readonly #options: RetentionOptions
  /** Of the count that nobody sets. */
  #sweptAt = Number.NEGATIVE_INFINITY
  #isStopped = false
  readonly #stopHearing: () => void

  constructor(options: RetentionOptions) {
    this.#options = options
    const { clock } = options
    // What is old by a clock that was just set may not be: somebody has a day to set it right before anything goes.
    this.#stopHearing = clock.onStep(() => (this.#sweptAt = clock.elapsed()))
  }

  /** Sweeps if that was not done for a day, or by this process not yet. */
  async look(): Promise<void> {
    const now = this.#options.clock.elapsed()
    if (now - this.#sweptAt < EVERY_MS) return
    this.#sweptAt = now
    await this.sweep()
  }

  /** A sweep that is under way ends with what it has in hand. */
  stop(): void {
    this.#isStopped = true
    this.#stopHearing()
  }

  async sweep(): Promise<void> {
    const { clock, keepMs, log, chores } = this.#options
    const before = clock.now() - keepMs()
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
    const { registry, checkpoints, events, pace } = this.#options
    // What its snapshot does not know of yet, a machine may not lose.
    const seq = await checkpoints.write()
    const removal = new Removal(events, pace)
    for (const { id } of registry.machines()) {
      if (this.#isStopped) break
      await this.#thinTimeline(id, before, seq, removal)
      await pace.rest(PAUSE_MS)
    }
    await removal.finish()
    return removal.removed
  }

  async #thinTimeline(id: MachineId, before: Instant, lastSeq: number, removal: Removal): Promise<void> {
    const { registry, events, pace } = this.#options
    let state: Machine | undefined
    let after = 0
    for (;;) {
      const rows = await events.timeline(id, after, ROWS_AT_A_TIME)
      const end = rows.findIndex(row => row.at >= before || row.seq > lastSeq)
      const old = (end === -1 ? rows : rows.slice(0, end)).map(row => eventOf(row) as KeptEvent)
      const machine = registry.byId(id)
      const thinned = machine && (await pace.walk(thin(id, state, old, event => mayGo(event, machine, before))))
      if (!thinned) return
      await removal.add(thinned.gone)
      if (old.length < ROWS_AT_A_TIME || this.#isStopped) return
      state = thinned.machine
      after = old.at(-1)!.seq
      await pace.rest(PAUSE_MS)
    }
  }

  /** The last word of a machine about itself stays, however old, unless a later attempt began since; of machines that are gone nothing does. */
  async #pruneDocuments(before: Instant): Promise<number> {
    const { registry, documents, pace } = this.#options
    let removed = 0
    let last: DocumentName | undefined
    for (;;) {
      const page = await documents.page(last, ROWS_AT_A_TIME)
      for (const document of page) {
        const known = registry.byId(document.machine as MachineId)
        const isFormer = document.attempt !== undefined && document.attempt !== known?.attempt?.id
        if (document.at >= before || (known && !isFormer)) continue
        await documents.remove(document)
        removed += 1
        await pace.rest(PAUSE_MS)
      }
      last = page.at(-1)
      if (page.length < ROWS_AT_A_TIME || this.#isStopped) return removed
      await pace.rest(PAUSE_MS)
    }
  }
}

/**
 * Events on their way out. What goes of one page of a timeline goes together, since its machine is the same without all of that, not without some;
 * few of several machines share a transaction.
 */
class Removal {
  readonly #events: EventStore
  readonly #pace: Pace
  #seqs: number[] = []
  removed = 0

  constructor(events: EventStore, pace: Pace) {
    this.#events = events
    this.#pace = pace
  }

  async add(seqs: readonly number[]): Promise<void> {
    this.#seqs.push(...seqs)
    if (this.#seqs.length >= REMOVED_AT_A_TIME) await this.finish()
  }

  async finish(): Promise<void> {
    if (this.#seqs.length === 0) return
    await this.#events.remove(this.#seqs)
    this.removed += this.#seqs.length
    this.#seqs = []
    await this.#pace.rest(REMOVED_PAUSE_MS)
  }
}
