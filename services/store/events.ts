/** Events, and what they come to: the folded state of each machine as of one event, so that a start reads what came after it and no more. */
import type { SQLInputValue } from 'node:sqlite'
import type { Kysely } from 'kysely'
import type { Database } from './schema.ts'
import type { EventRow, EventStore, SnapshotRow } from './types.ts'

/** Numbers of the statements below. */
const APPEND = 0
const REMOVE = 1
const PUT_SNAPSHOT = 2
const PUT_CHECKPOINT = 3
const FORGET = 4

/** What no machine and no person waits for. */
export const EVENT_UPKEEP = [REMOVE, PUT_SNAPSHOT, PUT_CHECKPOINT]

const ofMachine = (table: string): string => `delete from ${table} where machine = ?`
const FORGOTTEN_TABLES = ['event', 'snapshot', 'document', 'password']

/** Of the thread that writes. */
export const EVENT_STATEMENTS = [
  'insert into event (machine, at, source, type, body) values (?, ?, ?, ?, ?)',
  'delete from event where seq in (select value from json_each(?))',
  // A machine keeps its place, which is the order in which machines became known.
  `insert into snapshot (machine, seq, holds, body) values (?, ?, ?, ?)
   on conflict (machine) do update set seq = excluded.seq, holds = excluded.holds, body = excluded.body`,
  'insert into checkpoint (id, seq, version) values (1, ?, ?) on conflict (id) do update set seq = excluded.seq, version = excluded.version',
  'insert into forgotten (machine, macs, name, at, "by") values (?, ?, ?, ?, ?)',
  ...FORGOTTEN_TABLES.map(ofMachine),
]

type Write = (statement: number, ...values: SQLInputValue[]) => Promise<number>

const done = async (...writes: Promise<unknown>[]): Promise<void> => void (await Promise.all(writes))

export function sqlEvents(db: Kysely<Database>, write: Write): EventStore {
  return {
    append: ({ machine, at, source, type, body }) => write(APPEND, machine, at, source, type, body),
    page: async (after, most) =>
      (await db
        .selectFrom('event')
        .selectAll()
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(most)
        .execute()) as EventRow[],
    timeline: async (machine, after, most) =>
      (await db
        .selectFrom('event')
        .selectAll()
        .where('machine', '=', machine)
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(most)
        .execute()) as EventRow[],
    newest: async () =>
      (
        await db
          .selectFrom('event')
          .select(eb => eb.fn.max('seq').as('seq'))
          .executeTakeFirst()
      )?.seq ?? 0,
    remove: seqs => done(write(REMOVE, JSON.stringify(seqs))),
    checkpoint: () => db.selectFrom('checkpoint').select(['seq', 'version']).executeTakeFirst(),
    snapshots: async (after, most) =>
      (await db
        .selectFrom('snapshot')
        .selectAll()
        .where('place', '>', after)
        .orderBy('place')
        .limit(most)
        .execute()) as (SnapshotRow & { place: number })[],
    putSnapshots: rows =>
      done(...rows.map(({ machine, seq, holds, body }) => write(PUT_SNAPSHOT, machine, seq, holds, body))),
    putCheckpoint: ({ seq, version }) => done(write(PUT_CHECKPOINT, seq, version)),
    forgotten: async () => db.selectFrom('forgotten').selectAll().orderBy('at').execute(),
    restoration: async () => {
      const row = await db.selectFrom('restoration').select(['at', 'backup_of']).executeTakeFirst()
      return row && { at: row.at, backupOf: row.backup_of }
    },
    forget: ({ machine, macs, name, at, by }) =>
      done(
        write(FORGET, machine, macs, name, at, by),
        ...FORGOTTEN_TABLES.map((_, table) => write(FORGET + 1 + table, machine)),
      ),
  }
}
