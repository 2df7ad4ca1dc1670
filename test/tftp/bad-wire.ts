/** A wire that loses, repeats and delays (and so reorders) what is sent, the same for the same seed. */
import type { Clock } from '../../services/kit/clock.ts'
import type { DatagramPort } from '../../services/kit/datagram-port.ts'
import { Chance } from '../fuzz/mutate.ts'

export type Badness = {
  /** Percent of all datagrams. */
  lost?: number
  twice?: number
  /** Each is late by 0 to this many milliseconds. */
  lateMs?: number
  seed?: number
}

export class BadWire {
  readonly #clock: Clock
  readonly #badness: Required<Badness>
  readonly #chance: Chance

  constructor(clock: Clock, badness: Badness) {
    this.#clock = clock
    this.#badness = { lost: 0, twice: 0, lateMs: 0, seed: 1, ...badness }
    this.#chance = new Chance(this.#badness.seed)
  }

  /** The same port, at this wire. */
  worsen(port: DatagramPort): DatagramPort {
    const { lost, twice, lateMs } = this.#badness
    if (lost + twice + lateMs === 0) return port
    const send: DatagramPort['send'] = (given, to) => {
      // The sender may use its memory again, and this wire keeps datagrams for a while.
      const bytes = given.slice()
      if (this.#chance.below(100) < lost) return
      const copies = this.#chance.below(100) < twice ? 2 : 1
      for (let copy = 0; copy < copies; copy += 1) {
        const late = this.#chance.below(lateMs + 1)
        if (late === 0) port.send(bytes, to)
        else this.#clock.after(late, () => port.send(bytes, to))
      }
    }
    return { ...port, send }
  }
}
