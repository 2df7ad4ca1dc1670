/** The state on disk for who only looks: nothing is made, migrated or locked, also beside an appliance that writes. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { EventRow, LeaseRecord } from './types.ts'

/** Oldest first; none where there is no state yet. Throws what SQLite throws where it cannot be read. */
export function readEvents(folder: string): EventRow[] {
  return readRows(folder, 'select seq, machine, at, source, type, body from event order by seq') as EventRow[]
}

/** Which addresses there is a record of, and until when; throws as `readEvents` does. */
export function readLeases(folder: string): Pick<LeaseRecord, 'address' | 'state' | 'expiresAt'>[] {
  const sql = 'select address, state, expires_at as expiresAt from lease'
  return readRows(folder, sql) as Pick<LeaseRecord, 'address' | 'state' | 'expiresAt'>[]
}

function readRows(folder: string, sql: string): unknown[] {
  const file = join(folder, 'state.sqlite')
  if (!existsSync(file)) return []
  // Without a log of writes nobody writes: read as it lies, else SQLite would make that log, and leave it behind.
  const where = pathToFileURL(file)
  if (!existsSync(`${file}-wal`)) where.searchParams.set('immutable', '1')
  const db = new DatabaseSync(where, { readOnly: true })
  try {
    return db.prepare(sql).all()
  } finally {
    db.close()
  }
}
