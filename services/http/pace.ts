/**
 * How fast bodies may go, when the site says so: network stacks of firmware stall when they are flooded. A token bucket for each machine and one for all of
 * them together. No timers in here: what may be sent now, and how long to wait if it is nothing.
 */

/** Bytes a second; without one there is no such limit. */
export type Rates = { perMachine?: number; total?: number }

/** Less than this is not worth a system call; with less in its bucket a body waits. */
export const QUANTUM_BYTES = 64 * 1024
/** What a bucket holds: what comes in at its rate in so much time, and one quantum at least. */
const BURST_SECONDS = 0.02

/** Fills at its rate, and overflows. */
class Bucket {
  readonly #rate: number
  readonly #size: number
  #tokens: number
  #at: number

  /** @param at milliseconds, of the clock that all other calls use */
  constructor(rate: number, at: number) {
    this.#rate = rate
    this.#size = Math.max(QUANTUM_BYTES, rate * BURST_SECONDS)
    this.#tokens = this.#size
    this.#at = at
  }

  tokens(now: number): number {
    this.#tokens = Math.min(this.#size, this.#tokens + (Math.max(0, now - this.#at) / 1000) * this.#rate)
    this.#at = now
    return this.#tokens
  }

  spend(bytes: number): void {
    this.#tokens -= bytes
  }

  /** Milliseconds until a quantum is there. */
  waitMs(now: number): number {
    return Math.max(0, ((QUANTUM_BYTES - this.tokens(now)) / this.#rate) * 1000)
  }
}

type Machine = { bucket: Bucket | undefined; bodies: number; turn: number }

/** Several bodies of one machine share what it may have, and machines share the total in turns, so that each gets the same. */
export class Pacer {
  #rates: Rates
  #total: Bucket | undefined
  readonly #machines = new Map<string, Machine>()
  #turn = 0

  constructor(rates: Rates, now: number) {
    this.#rates = rates
    this.#total = rates.total === undefined ? undefined : new Bucket(rates.total, now)
  }

  /** Other rates from here on, for bodies that are under way, too. */
  use(rates: Rates, now: number): void {
    const bucketOf = (rate: number | undefined): Bucket | undefined =>
      rate === undefined ? undefined : new Bucket(rate, now)
    this.#rates = rates
    this.#total = bucketOf(rates.total)
    for (const machine of this.#machines.values()) machine.bucket = bucketOf(rates.perMachine)
  }

  /** A body begins. A machine that comes back at once does not begin with a full bucket: it is kept while it has one body. */
  enter(machine: string, now: number): void {
    const known = this.#machines.get(machine)
    if (known) known.bodies += 1
    else {
      const { perMachine } = this.#rates
      const bucket = perMachine === undefined ? undefined : new Bucket(perMachine, now)
      this.#machines.set(machine, { bucket, bodies: 1, turn: 0 })
    }
  }

  leave(machine: string): void {
    const known = this.#machines.get(machine)!
    known.bodies -= 1
    if (known.bodies === 0) this.#machines.delete(machine)
  }

  /** Bytes that a body of that machine may send now, `most` at most; 0: see `waitMs`. */
  allowance(machine: string, now: number, most: number): number {
    const own = this.#machines.get(machine)!.bucket?.tokens(now) ?? Number.POSITIVE_INFINITY
    const all = this.#total?.tokens(now) ?? Number.POSITIVE_INFINITY
    if (own < QUANTUM_BYTES || all < QUANTUM_BYTES) return 0
    const share = Math.max(QUANTUM_BYTES, all / this.#machines.size)
    return Math.floor(Math.min(own, share, most))
  }

  spend(machine: string, bytes: number): void {
    const known = this.#machines.get(machine)!
    known.bucket?.spend(bytes)
    known.turn = ++this.#turn
    this.#total?.spend(bytes)
  }

  /** Milliseconds until `allowance` is more than nothing. */
  waitMs(machine: string, now: number): number {
    return Math.max(this.#machines.get(machine)!.bucket?.waitMs(now) ?? 0, this.#total?.waitMs(now) ?? 0)
  }

  /** Who was served longest ago comes first; for a sort. */
  compare(one: string, other: string): number {
    return this.#machines.get(one)!.turn - this.#machines.get(other)!.turn
  }
}
