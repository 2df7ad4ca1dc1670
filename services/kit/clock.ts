/** Time as an argument: the appliance runs on `systemClock`, tests on a clock they move by hand. */

/** Milliseconds since 1970-01-01T00:00:00Z, as this host believes: somebody may set that. */
export type Instant = number

/** What runs when the appliance is told to stop gets this long to end (L14). */
export const STOP_GRACE_MS = 10_000

/** The time of day was set when it went by so much more or less than passed. Nothing here is kept more exactly, and time services step what is more than 128 ms. */
export const STEP_MS = 5_000

export type HearStep = (byMs: number, now: Instant) => void

export interface Clock {
  /** What is shown, and kept over a restart. */
  now(): Instant
  /** Milliseconds of a count that goes on evenly, whatever anybody sets: what a duration within one process is measured by. */
  elapsed(): number
  /** Runs once after that many milliseconds, unless the returned function is called first. */
  after(milliseconds: number, run: () => void): () => void
  /**
   * Hears by how much the time of day was set, forward or (less than 0) back, and what it is now, before anybody else is told the new one: whoever
   * keeps instants moves them along. Returns how to stop.
   */
  onStep(hear: HearStep): () => void
}

/** Whoever wants to hear of a step, told in the order in which they came. */
export class StepHearers {
  readonly #hearers = new Set<HearStep>()

  add(hear: HearStep): () => void {
    const mine: HearStep = (byMs, now) => hear(byMs, now)
    this.#hearers.add(mine)
    return () => void this.#hearers.delete(mine)
  }

  tell(byMs: number, now: Instant): void {
    for (const hear of this.#hearers) hear(byMs, now)
  }
}

/** @param wall may be set by somebody, `even` may not; both in milliseconds */
export function watchedClock(wall: () => Instant, even: () => number): Pick<Clock, 'now' | 'elapsed' | 'onStep'> {
  const hearers = new StepHearers()
  // How far the two are apart. It follows what a time service corrects little by little.
  let apart = wall() - even()
  return {
    now() {
      const now = wall()
      const before = apart
      apart = now - even()
      if (Math.abs(apart - before) >= STEP_MS) hearers.tell(Math.round(apart - before), now)
      return now
    },
    elapsed: even,
    onStep: hear => hearers.add(hear),
  }
}

export const systemClock: Clock = {
  // A host that slept has set its clock, as far as this process can tell: what counts for it is that nobody was heard.
  ...watchedClock(
    () => Date.now(),
    () => performance.now(),
  ),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
}
