/**
 * From time to time the folded state of every machine that changed is written beside the events, so that a start reads what came after it and no more, and
 * old events may go. Some machines at a time, so that no packet's write waits behind them; what is only half written counts for nothing, or for its machine alone.
 */
import type { Clock } from '../kit/clock.ts'
import type { EventStore } from '../store/types.ts'
import { FOLD_VERSION, snapshotOf } from './fold.ts'
import type { Pace } from './pace.ts'
import type { Registry } from './registry.ts'

/** In one transaction: some 20 KiB, a millisecond or two. */
const MACHINES_AT_A_TIME = 25
/** From one batch to the next, so that leases and events come in between. */
const PAUSE_MS = 5
/** What a start has to fold at most, but for what comes while the checkpoint is written. */
const EVENTS_MOST = 20_000
const AGE_MOST_MS = 10 * 60_000

export type CheckpointsOptions = { registry: Registry; events: EventStore; clock: Clock; pace: Pace }

export class Checkpoints {
  readonly #store: EventStore
  readonly #registry: Registry
  readonly #clock: Clock
  readonly #pace: Pace
  #seq: number
  #at: number
  #running: Promise<number> | undefined
  #isStopped = false

  /** @param seq of the last one that is kept; 0 if there is none that counts */
  constructor({ registry, events, clock, pace }: CheckpointsOptions, seq: number) {
    this.#registry = registry
    this.#store = events
    this.#clock = clock
    this.#pace = pace
    this.#seq = seq
    this.#at = clock.elapsed()
  }

  static async open(options: CheckpointsOptions): Promise<Checkpoints> {
    const kept = await options.events.checkpoint()
    return new Checkpoints(options, kept?.version === FOLD_VERSION ? kept.seq : 0)
  }

  /** Writes one if enough has happened since the last. */
  async look(): Promise<void> {
    const events = this.#registry.lastSeq - this.#seq
    const isOld = events > 0 && this.#clock.elapsed() - this.#at >= AGE_MOST_MS
    if (isOld || events >= EVENTS_MOST) await this.write()
  }

  /** One that is under way is left half written, which does no harm. */
  stop(): void {
    this.#isStopped = true
  }

  /** Resolves with the number of the last event that is in the newest one that is whole. Rejects when it could not be written; the one before it still counts then. */
  write(): Promise<number> {
    this.#running ??= this.#write().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #write(): Promise<number> {
    // All of one instant: nothing is awaited between the number and the machines.
    const seq = this.#registry.lastSeq
    const known = this.#registry.takeSnapshots()
    for (;;) {
      if (this.#isStopped) return this.#seq
      const taken = known.nextSnapshots(MACHINES_AT_A_TIME)
      if (taken.length === 0) break
      try {
        await this.#store.putSnapshots(taken.map(one => snapshotOf(one, seq)))
      } catch (error) {
        known.missSnapshots(taken)
        throw error
      }
      await this.#pace.rest(PAUSE_MS)
    }
    await this.#store.putCheckpoint({ seq, version: FOLD_VERSION })
    this.#seq = seq
    this.#at = this.#clock.elapsed()
    return seq
  }
}
