/** Time as an argument: the appliance runs on `systemClock`, tests on a clock they move by hand. */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number

/** What runs when the appliance is told to stop gets this long to end (L14). */
export const STOP_GRACE_MS = 10_000

export interface Clock {
  now(): Instant
  /** Runs once after that many milliseconds, unless the returned function is called first. */
  after(milliseconds: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
}
