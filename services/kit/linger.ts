/**
 * Whether to look again for what peers in lock-step answer, before the event loop has its turn. Their answers come within some tens of microseconds, and
 * going to sleep and being woken takes longer than that. A turn ends all the same, since others wait for theirs; and where waiting brought nothing
 * the last times, as with peers that are far away or slow, it is tried less and less often.
 */

/** Milliseconds that one turn may last. */
export const TURN_MS = 1
/** Milliseconds that nothing may come meanwhile. */
export const LINGER_MS = 0.1
/** At most so many turns end at once before waiting is tried again. */
export const RESTS_MOST = 64

export class Linger {
  #turnEndsAt = 0
  #heardAt = 0
  /** Whether the present turn waits at all, and whether it has. */
  #waits = true
  #hasWaited = false
  /** Turns that waited for nothing, in a row; and those that are left to end at once for it. */
  #misses = 0
  #rests = 0

  /** A turn begins, with something that was heard. Times are milliseconds of one clock that never goes back. */
  begin(now: number): void {
    this.#turnEndsAt = now + TURN_MS
    this.#heardAt = now
    this.#waits = this.#rests === 0
    this.#hasWaited = false
    if (this.#rests > 0) this.#rests -= 1
  }

  /** After a look that found something or not: whether to look again in this turn. */
  goesOn(found: boolean, now: number): boolean {
    if (found) {
      if (this.#hasWaited) this.#misses = 0
      this.#hasWaited = false
      this.#heardAt = now
      return now < this.#turnEndsAt
    }
    if (!this.#waits || now >= this.#turnEndsAt) return false
    this.#hasWaited = true
    if (now - this.#heardAt < LINGER_MS) return true
    this.#misses += 1
    this.#rests = Math.min(2 ** this.#misses, RESTS_MOST)
    return false
  }
}
