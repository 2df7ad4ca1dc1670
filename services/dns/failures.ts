/** Questions that upstream could not answer a moment ago: who asks again is told so at once, and nobody asks upstream for it (RFC 9520 §3.2). */

/** A second at least (RFC 9520 §3.2); stub resolvers ask again after five, and are to have another chance then. */
export const FAILED_MS = 3000
const MOST_FAILURES = 1024

export type Failure = 'upstream-silent' | 'upstream-failed'

export class Failures {
  /** In the order in which they failed. */
  readonly #kept = new Map<string, { failure: Failure; since: number }>()

  get size(): number {
    return this.#kept.size
  }

  /** What came of this question lately; `now`, here and below, is of the count that nobody sets. */
  find(key: string, now: number): Failure | undefined {
    const kept = this.#kept.get(key)
    if (!kept) return undefined
    if (now < kept.since + FAILED_MS) return kept.failure
    this.#kept.delete(key)
    return undefined
  }

  keep(key: string, failure: Failure, now: number): void {
    this.#kept.delete(key)
    this.#kept.set(key, { failure, since: now })
    if (this.#kept.size > MOST_FAILURES) this.#kept.delete(this.#kept.keys().next().value!)
  }
}
