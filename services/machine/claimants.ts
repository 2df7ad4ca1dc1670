/** Who claims to be whom: the other side of the conflicts that machines have noted. Pure. */
import type { MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'

export class Claimants {
  readonly #of = new Map<MachineId, Set<MachineId>>()

  /** Takes notice of a machine that is new or has changed, or is no more. */
  follow(before: Machine | undefined, after: Machine | undefined): void {
    if (before?.conflicts === after?.conflicts) return
    for (const { with: other } of before?.conflicts ?? []) this.#drop(other, before!.id)
    for (const { with: other } of after?.conflicts ?? []) {
      const claimants = this.#of.get(other) ?? new Set()
      this.#of.set(other, claimants.add(after!.id))
    }
  }

  /** Those that have noted a conflict with it. */
  of(id: MachineId): Iterable<MachineId> {
    return this.#of.get(id) ?? []
  }

  #drop(other: MachineId, id: MachineId): void {
    const claimants = this.#of.get(other)
    if (claimants?.delete(id) && claimants.size === 0) this.#of.delete(other)
  }
}
