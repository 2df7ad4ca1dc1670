/** Rows of the store as events, and events as machines. */
import type { EventRow } from '../store/types.ts'
import type { EventSource, Fact, MachineEvent, MachineId } from './event.ts'
import { advance, type Machine, newMachine } from './lifecycle.ts'

export function eventOf(row: EventRow): MachineEvent {
  return { ...(JSON.parse(row.body) as Fact), at: row.at, source: row.source as EventSource, seq: row.seq }
}

/** Every machine that the rows tell of, as they leave it; rows are the oldest first. */
export function foldMachines(rows: readonly EventRow[]): Machine[] {
  const machines = new Map<MachineId, Machine>()
  for (const row of rows) {
    const id = row.machine as MachineId
    machines.set(id, advance(machines.get(id) ?? newMachine(id, row.at), eventOf(row)).machine)
  }
  return [...machines.values()]
}
