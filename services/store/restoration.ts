/** What a restored state has to know of itself, written into it before it takes the place of another one: as a whole or not at all. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Instant } from '../kit/clock.ts'
import { type KeptFleet, readFleet } from './read-state.ts'
import { PRAGMAS, readSqlite } from './sqlite.ts'
import { DATABASE_FILE } from './store.ts'
import type { NewEventRow, Restoration } from './types.ts'
import { refuseHalfRestored } from './unfinished.ts'

/** In a backup, beside the state: when it was made. */
const MADE = 'backup_made'
const IS_TABLE = 'SELECT 1 FROM sqlite_schema WHERE name = ?'

export function noteMadeAt(db: DatabaseSync, at: Instant): void {
  db.exec(`CREATE TABLE ${MADE} (at INTEGER NOT NULL)`)
  db.prepare(`INSERT INTO ${MADE} VALUES (?)`).run(at)
}

/** When the backup was made, which is no part of the state. One of an earlier version does not say: it was not before the last event that it knows. */
export function takeMadeAt(db: DatabaseSync): Instant {
  const isSaid = db.prepare(IS_TABLE).get(MADE) !== undefined
  const row = db.prepare(isSaid ? `SELECT at FROM ${MADE}` : 'SELECT max(at) AS at FROM event').get()
  db.exec(`DROP TABLE IF EXISTS ${MADE}`)
  return Number(row?.['at'] ?? 0)
}

/** The events that hold its machines back, by what it holds. */
export type HoldBack = (fleet: KeptFleet, restoration: Restoration) => readonly NewEventRow[]

/** Appends these events, and notes for machines that the state has never seen that it was restored. */
export function noteRestoration(folder: string, restoration: Restoration, holdBack: HoldBack): void {
  const events = readFleet(folder, fleet => holdBack(fleet, restoration))
  const db = new DatabaseSync(join(folder, DATABASE_FILE))
  try {
    db.exec('BEGIN IMMEDIATE')
    const append = db.prepare('INSERT INTO event (machine, at, source, type, body) VALUES (?, ?, ?, ?, ?)')
    for (const { machine, at, source, type, body } of events) append.run(machine, at, source, type, body)
    db.prepare('INSERT OR REPLACE INTO restoration (id, at, backup_of) VALUES (1, ?, ?)').run(
      restoration.at,
      restoration.backupOf,
    )
    db.exec('COMMIT')
  } finally {
    // What was not committed is as if it had never been.
    db.close()
  }
}

/** From now on machines that are new to the state are what they seem to be. Returns whether it held them back until now. Throws EnvironmentProblem `store`. */
export function endRestoration(folder: string): boolean {
  const file = join(folder, DATABASE_FILE)
  refuseHalfRestored(folder)
  const isThere = existsSync(file) && readSqlite(file, db => db.prepare(IS_TABLE).get('restoration') !== undefined)
  if (!isThere) return false
  const db = new DatabaseSync(file)
  try {
    db.exec(PRAGMAS)
    return db.prepare('DELETE FROM restoration').run().changes > 0
  } finally {
    db.close()
  }
}
