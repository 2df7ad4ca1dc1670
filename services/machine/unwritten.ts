/** Events that are applied and not yet on stable storage, and what their machines are without them. Pure. */
import type { MachineEvent, MachineId } from './event.ts'
import { advance, type Machine, newMachine } from './lifecycle.ts'

type Pending = {
  /** As the store knows it; undefined while it does not. */
  before: Machine | undefined
  /** Oldest first. */
  events: MachineEvent[]
  writes: Set<Promise<number>>
}

export class Unwritten {
  readonly #pending = new Map<MachineId, Pending>()

  /** @param before the machine without the event */
  add(id: MachineId, before: Machine | undefined, event: MachineEvent, write: Promise<number>): void {
    const pending = this.#pending.get(id) ?? { before, events: [], writes: new Set() }
    pending.events.push(event)
    pending.writes.add(write)
    this.#pending.set(id, pending)
  }

  /** It is on stable storage. */
  written(id: MachineId, event: MachineEvent, write: Promise<number>): void {
    const pending = this.#pending.get(id)!
    pending.before = advance(pending.before ?? newMachine(id, event.at), event).machine
    this.#remove(id, pending, event, write)
  }

  /** It never will be. Returns the machine with what is still on its way, undefined if there is none then. */
  failed(id: MachineId, event: MachineEvent, write: Promise<number>): Machine | undefined {
    const pending = this.#pending.get(id)!
    this.#remove(id, pending, event, write)
    const { before, events } = pending
    const first = before ?? (events[0] && newMachine(id, events[0].at))
    return first && events.reduce((machine, other) => advance(machine, other).machine, first)
  }

  has(id: MachineId): boolean {
    return this.#pending.has(id)
  }

  /** The machine as the store knows it. */
  stored(machine: Machine): Machine | undefined {
    const pending = this.#pending.get(machine.id)
    return pending ? pending.before : machine
  }

  /** Resolves when nothing of what was on its way by now is on its way any more. */
  async settled(id: MachineId): Promise<void> {
    await Promise.allSettled([...(this.#pending.get(id)?.writes ?? [])])
  }

  #remove(id: MachineId, pending: Pending, event: MachineEvent, write: Promise<number>): void {
    pending.events = pending.events.filter(other => other !== event)
    pending.writes.delete(write)
    if (pending.events.length === 0) this.#pending.delete(id)
  }
}
