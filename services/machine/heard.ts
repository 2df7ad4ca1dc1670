/** When each machine was last heard of, beside its events, and since when anybody listens. */
import type { Instant } from '../kit/clock.ts'
import type { MachineId } from './event.ts'

export class Heard {
  readonly #at = new Map<MachineId, Instant>()
  #since: Instant

  /** @param since when this process began to listen */
  constructor(since: Instant) {
    this.#since = since
  }

  get since(): Instant {
    return this.#since
  }

  hear(id: MachineId, at: Instant): void {
    this.#at.set(id, at)
  }

  of(id: MachineId): Instant {
    return this.#at.get(id) ?? 0
  }

  /** What was said while nobody listened was not heard: silence counts from when somebody did. */
  silentSince(id: MachineId): Instant {
    return Math.max(this.of(id), this.#since)
  }

  forget(id: MachineId): void {
    this.#at.delete(id)
  }

  /** The clock was set: how long ago anything was heard is not known, as after a restart. */
  beginAnew(now: Instant): void {
    this.#since = now
    this.#at.clear()
  }
}
