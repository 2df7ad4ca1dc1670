/** What is kept of a machine that an operator had forgotten, what is said of it, and who hears of it before and after. */
import type { Problem } from '../kit/problem.ts'
import type { ForgottenRow } from '../store/types.ts'
import type { MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'

export function forgottenRow({ id, macs }: Machine, title: string, at: number, by: string): ForgottenRow {
  return { machine: id, macs: macs.join(), name: title, at, by }
}

/** To who had it in hand while that was done. */
export function wasForgotten(id: MachineId): Problem {
  const hint = 'see `rackrise machine list`; it comes back as a new one when it is seen again'
  return { code: 'unknown-machine', message: `${id} was forgotten just now`, hint, severity: 'error' }
}

/** Who reads a machine's events once more before they go, and who hears that it is gone. */
export class Partings {
  readonly #lastLooks = new Set<() => Promise<void>>()
  readonly #hearers = new Set<(machine: Machine) => void>()

  /** Nothing more is recorded of the machine by then; where a look fails, it is not forgotten. Returns how to stop. */
  before(look: () => Promise<void>): () => void {
    this.#lastLooks.add(look)
    return () => this.#lastLooks.delete(look)
  }

  /** Returns how to stop. */
  after(hear: (machine: Machine) => void): () => void {
    this.#hearers.add(hear)
    return () => this.#hearers.delete(hear)
  }

  async lookOnceMore(): Promise<void> {
    await Promise.all([...this.#lastLooks].map(look => look()))
  }

  tell(machine: Machine): void {
    for (const hear of this.#hearers) hear(machine)
  }
}
