/** The events on disk for who only looks: nothing is made, migrated or locked, also beside an appliance that writes. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { EventRow } from './types.ts'

/** Oldest first; none where there is no state yet. Throws what SQLite throws where it cannot be read. */
export function readEvents(folder: string): EventRow[] {
  const file = join(folder, 'state.sqlite')
  if (!existsSync(file)) return []
  // Without a log of writes nobody writes: read as it lies, else SQLite would make that log, and leave it behind.
  const where = pathToFileURL(file)
  if (!existsSync(`${file}-wal`)) where.searchParams.set('immutable', '1')
  const db = new DatabaseSync(where, { readOnly: true })
  try {
    const rows = db.prepare('select seq, machine, at, source, type, body from event order by seq').all()
    return rows as unknown as EventRow[]
  } finally {
    db.close()
  }
}
