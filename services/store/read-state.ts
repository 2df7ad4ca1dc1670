/** The state on disk for who only looks: nothing is made, migrated or locked, also beside an appliance that writes. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { readSqlite } from './sqlite.ts'
import { DATABASE_FILE } from './store.ts'
import type { Checkpoint, EventRow, LeaseRecord, SnapshotRow } from './types.ts'

export type KeptFleet = {
  checkpoint: Checkpoint | undefined
  /** In the order in which the machines became known. */
  snapshots: () => Iterable<SnapshotRow>
  /** Above a number, oldest first. */
  events: (after: number) => Iterable<EventRow>
}

const EMPTY: KeptFleet = { checkpoint: undefined, snapshots: () => [], events: () => [] }

/** Lets `read` read what is kept in a folder; nothing where there is no state yet. Throws what SQLite throws where it cannot be read. */
export function readFleet<T>(folder: string, read: (kept: KeptFleet) => T): T {
  return reading(
    folder,
    () => read(EMPTY),
    db => {
      const rows = <Row>(sql: string, ...values: number[]): Iterable<Row> =>
        db.prepare(sql).iterate(...values) as unknown as Iterable<Row>
      // A database of an earlier version has no snapshots; it is as good as one that no checkpoint was written into yet.
      const hasSnapshots = db.prepare("select 1 from sqlite_schema where name = 'checkpoint'").get() !== undefined
      const [checkpoint] = hasSnapshots ? rows<Checkpoint>('select seq, version from checkpoint') : []
      return read({
        checkpoint,
        snapshots: () => rows('select machine, seq, holds, body from snapshot order by place'),
        events: after =>
          rows('select seq, machine, at, source, type, body from event where seq > ? order by seq', after),
      })
    },
  )
}

/** Which addresses there is a record of, and until when; throws as `readFleet` does. */
export function readLeases(folder: string): Pick<LeaseRecord, 'address' | 'state' | 'expiresAt'>[] {
  const sql = 'select address, state, expires_at as expiresAt from lease'
  return reading(
    folder,
    () => [],
    db => db.prepare(sql).all() as Pick<LeaseRecord, 'address' | 'state' | 'expiresAt'>[],
  )
}

/** All of one instant. @param nothing where there is no state */
function reading<T>(folder: string, nothing: () => T, read: (db: DatabaseSync) => T): T {
  const file = join(folder, DATABASE_FILE)
  return existsSync(file) ? readSqlite(file, read) : nothing()
}
