/** Rows of the store as events, and snapshots and events as machines. */
import type { KeptFleet } from '../store/read-state.ts'
import type { Checkpoint, EventRow, EventStore, SnapshotRow } from '../store/types.ts'
import type { EventSource, Fact, MachineEvent, MachineId } from './event.ts'
import type { Taken } from './known.ts'
import { advance, type Machine, newMachine } from './lifecycle.ts'

/**
 * Of the fold: grows whenever `advance` makes another machine of the same events, or a machine has another shape. Snapshots of another version are
 * not read, and everything is folded anew (a test tells when it has to grow).
 */
export const FOLD_VERSION = 2

export function eventOf(row: EventRow): MachineEvent {
  return { ...(JSON.parse(row.body) as Fact), at: row.at, source: row.source as EventSource, seq: row.seq }
}

export function snapshotOf({ machine, holds }: Taken, seq: number): SnapshotRow {
  return { machine: machine.id, seq, holds, body: JSON.stringify(machine) }
}

/** Where machines are put while they are folded. */
export interface Roll {
  get(id: MachineId): Machine | undefined
  put(machine: Machine): unknown
  restore(machine: Machine, holds: string): void
}

/** Snapshots first, then the events that came after the checkpoint, oldest first. */
class Replay {
  readonly #roll: Roll
  /** The last event that each snapshot knows of: one may be newer than the checkpoint. */
  readonly #through = new Map<MachineId, number>()
  /** Whether snapshots count; else all events are needed. */
  readonly hasCheckpoint: boolean
  /** The last event that was folded. */
  seq: number

  constructor(roll: Roll, checkpoint: Checkpoint | undefined) {
    this.#roll = roll
    this.hasCheckpoint = checkpoint?.version === FOLD_VERSION
    this.seq = this.hasCheckpoint ? checkpoint!.seq : 0
  }

  addSnapshot(row: SnapshotRow): void {
    const machine = JSON.parse(row.body) as Machine
    this.#through.set(machine.id, row.seq)
    this.#roll.restore(machine, row.holds)
  }

  addEvent(row: EventRow): void {
    const id = row.machine as MachineId
    this.seq = row.seq
    if (row.seq <= (this.#through.get(id) ?? 0)) return
    this.#roll.put(advance(this.#roll.get(id) ?? newMachine(id, row.at), eventOf(row)).machine)
  }
}

/** Rows that are read in one go. */
const ROWS_AT_A_TIME = 1000

/** Folds what the store keeps, a page at a time, and says how far it is. Returns the number of the last event, 0 if there was none yet. */
export async function replay(store: EventStore, roll: Roll, onStep?: (what: string) => void): Promise<number> {
  const folding = new Replay(roll, await store.checkpoint())
  for (let place = 0; folding.hasCheckpoint; ) {
    onStep?.(`reading machines, ${place} so far`)
    const rows = await store.snapshots(place, ROWS_AT_A_TIME)
    for (const row of rows) folding.addSnapshot(row)
    if (rows.length < ROWS_AT_A_TIME) break
    place = rows.at(-1)!.place
  }
  for (let read = 0; ; read += ROWS_AT_A_TIME) {
    onStep?.(`reading events, ${read} so far`)
    const rows = await store.page(folding.seq, ROWS_AT_A_TIME)
    for (const row of rows) folding.addEvent(row)
    if (rows.length < ROWS_AT_A_TIME) return folding.seq
  }
}

/** Every machine that is kept, in the order in which they became known. */
export function foldMachines({ checkpoint, snapshots, events }: KeptFleet): Machine[] {
  const machines = new Map<MachineId, Machine>()
  const put = (machine: Machine): unknown => machines.set(machine.id, machine)
  const folding = new Replay({ get: id => machines.get(id), put, restore: put }, checkpoint)
  if (folding.hasCheckpoint) for (const row of snapshots()) folding.addSnapshot(row)
  for (const row of events(folding.seq)) folding.addEvent(row)
  return [...machines.values()]
}
