/** A machine as one of its events left it: what is told of an event must not depend on what came after it. */
import { nextTurn } from '../kit/next-turn.ts'
import type { EventRow, EventStore } from '../store/types.ts'
import type { MachineId } from './event.ts'
import { eventOf } from './fold.ts'
import { advance, type Machine, newMachine } from './lifecycle.ts'

/** To read and fold them takes a millisecond or two. */
const ROWS_AT_A_TIME = 100

/** The fold of its timeline as far as that event; undefined where nothing of it is kept, since the machine was forgotten. */
export async function stateAfter(
  events: Pick<EventStore, 'timeline'>,
  { machine: id, seq }: Pick<EventRow, 'machine' | 'seq'>,
): Promise<Machine | undefined> {
  let machine: Machine | undefined
  for (let after = 0; ; await nextTurn()) {
    const rows = await events.timeline(id, after, ROWS_AT_A_TIME)
    for (const row of rows) {
      if (row.seq > seq) return machine
      machine = advance(machine ?? newMachine(id as MachineId, row.at), eventOf(row)).machine
    }
    if (rows.length < ROWS_AT_A_TIME) return machine
    after = rows.at(-1)!.seq
  }
}
