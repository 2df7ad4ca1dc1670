/** A clock that stands still until a test moves it. */
import { type Clock, type HearStep, type Instant, STEP_MS, StepHearers } from '../../services/kit/clock.ts'

type Timer = { at: Instant; run: () => void }

export class FakeClock implements Clock {
  #now: Instant
  /** What was set, all in all. */
  #set = 0
  readonly #hearers = new StepHearers()
  #timers: Timer[] = []

  constructor(start: Instant = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): Instant {
    return this.#now
  }

  elapsed(): number {
    return this.#now - this.#set
  }

  onStep(hear: HearStep): () => void {
    return this.#hearers.add(hear)
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#now + milliseconds, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Moves time on; timers run at their own instants, in order, those that they start included. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#timers = this.#timers.filter(timer => timer !== due)
      this.#now = Math.max(this.#now, due.at)
      due.run()
    }
    this.#now = end
  }

  /** What a correction of the time does: timers stay as far away as they were. */
  set(now: Instant): void {
    const shift = now - this.#now
    this.#timers = this.#timers.map(({ at, run }) => ({ at: at + shift, run }))
    this.#now = now
    this.#set += shift
    if (Math.abs(shift) >= STEP_MS) this.#hearers.tell(shift, now)
  }

  get pendingTimers(): number {
    return this.#timers.length
  }
}
