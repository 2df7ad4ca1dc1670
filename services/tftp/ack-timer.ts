/** The one timer of a transfer, set anew with every ACK: it runs on and looks at the time again, which is cheaper than another timer for every block. */
import type { Clock } from '../kit/clock.ts'

export class AckTimer {
  readonly #clock: Clock
  readonly #run: () => void
  #dueAt: number | undefined
  #firesAt: number | undefined
  #cancel = (): void => {}

  constructor(clock: Clock, run: () => void) {
    this.#clock = clock
    this.#run = run
  }

  /** Replaces what was set before. */
  set(milliseconds: number): void {
    this.#dueAt = this.#clock.elapsed() + milliseconds
    if (this.#firesAt === undefined || this.#firesAt > this.#dueAt) this.#start(milliseconds)
  }

  cancel(): void {
    this.#cancel()
    this.#dueAt = undefined
    this.#firesAt = undefined
  }

  #start(milliseconds: number): void {
    this.#cancel()
    this.#firesAt = this.#clock.elapsed() + milliseconds
    this.#cancel = this.#clock.after(milliseconds, () => this.#fire())
  }

  #fire(): void {
    this.#firesAt = undefined
    if (this.#dueAt === undefined) return
    const left = this.#dueAt - this.#clock.elapsed()
    if (left > 0) return this.#start(left)
    this.#dueAt = undefined
    this.#run()
  }
}
