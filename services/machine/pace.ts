/** How upkeep keeps out of the way of packets: a few milliseconds in one turn of the event loop, and nothing while many writes wait. */
import type { Clock } from '../kit/clock.ts'

/** What comes meanwhile waits so long, and for the step that is under way. */
const STRETCH_MS = 5
/** From one stretch of a task to the next: everything that came meanwhile has its turn. */
const BREATH_MS = 1
/** A rack that is switched on has dozens on their way, a quiet one hardly ever two. */
export const MANY_WRITES = 8
/** So often it looks whether they are fewer, half a second in all: a storm of a whole night must not keep every snapshot from being written. */
const LOOKS_MOST = 10
const LOOK_MS = 50

export type PaceOptions = {
  clock: Clock
  /** Writes that are not on stable storage yet. */
  waiting: () => number
  /** Milliseconds of some steady count. */
  elapsed?: () => number
}

export class Pace {
  readonly #clock: Clock
  readonly #waiting: () => number
  readonly #elapsed: () => number

  constructor({ clock, waiting, elapsed = () => performance.now() }: PaceOptions) {
    this.#clock = clock
    this.#waiting = waiting
    this.#elapsed = elapsed
  }

  /** Leaves the event loop to others for so long, and longer while many writes wait. */
  async rest(milliseconds: number): Promise<void> {
    await this.#pause(milliseconds)
    for (let looks = 0; looks < LOOKS_MOST && this.#waiting() >= MANY_WRITES; looks++) await this.#pause(LOOK_MS)
  }

  /** Takes steps, each a millisecond or less, a stretch of them in one turn. */
  async walk<T>(steps: Iterator<unknown, T>): Promise<T> {
    let began = this.#elapsed()
    for (;;) {
      const step = steps.next()
      if (step.done) return step.value
      if (this.#elapsed() - began < STRETCH_MS) continue
      await this.rest(BREATH_MS)
      began = this.#elapsed()
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise(resolve => this.#clock.after(milliseconds, resolve))
  }
}
