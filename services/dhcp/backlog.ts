/**
 * DISCOVERs wait until everything else that has come is answered: an offer is worth nothing to a machine whose REQUEST waits then. When more come than
 * can be answered the oldest are dropped, since their machines ask again, or gave up: answered in order, a hall that is switched on would get
 * offers that are all too late.
 */
import type { Mac } from '../kit/mac.ts'

/** A fifth of a second's work on a small machine; firmware asks again after a second at the earliest. */
export const WAITING_MOST = 1024
/** Answered in one turn of the event loop, before it is looked what else has come: about a millisecond. */
export const TURN_MOST = 32

export class Backlog<T> {
  readonly #answer: (one: T) => void
  readonly #drop: (one: T) => void
  /** One for each machine, in the order in which they came. */
  #waiting = new Map<Mac, T>()
  #isTurnDue = false

  /** `drop` hears of what is never answered. */
  constructor(answer: (one: T) => void, drop: (one: T) => void) {
    this.#answer = answer
    this.#drop = drop
  }

  add(mac: Mac, one: T): void {
    this.settle(mac)
    this.#waiting.set(mac, one)
    if (this.#waiting.size > WAITING_MOST) this.#drop(this.#take()!)
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    setImmediate(() => this.#turn())
  }

  /** Answers what waits of this machine: its messages keep their order. */
  settle(mac: Mac): void {
    const one = this.#waiting.get(mac)
    if (one === undefined) return
    this.#waiting.delete(mac)
    this.#answer(one)
  }

  /** What waits is nobody's concern any more. */
  clear(): void {
    this.#waiting.clear()
  }

  #take(): T | undefined {
    for (const [mac, one] of this.#waiting) {
      this.#waiting.delete(mac)
      return one
    }
    return undefined
  }

  #turn(): void {
    for (let count = 0; count < TURN_MOST; count += 1) {
      const one = this.#take()
      if (one !== undefined) this.#answer(one)
    }
    this.#isTurnDue = this.#waiting.size > 0
    if (this.#isTurnDue) setImmediate(() => this.#turn())
    // A Map that comes and goes for ever keeps every table it grew out of, once one of them is old, until the garbage collector goes over all memory.
    else this.#waiting = new Map()
  }
}
