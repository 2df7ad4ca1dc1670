/** SQLite inside the process: Node's own engine under Kysely, with every commit on the platter before it returns. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import { EnvironmentProblem } from '../kit/problem.ts'
import type { Database } from './schema.ts'

function adapt(db: DatabaseSync): SqliteDatabase {
  return {
    prepare(sql) {
      const statement = db.prepare(sql)
      const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[]
      return {
        reader: statement.columns().length > 0,
        all: parameters => statement.all(...values(parameters)),
        run: parameters => statement.run(...values(parameters)),
        iterate: parameters => statement.iterate(...values(parameters)),
      }
    },
    close: () => db.close(),
  }
}

/**
 * Pages of the log of writes before they are copied into the database: 64 MiB. A commit waits while that is done, and SQLite's thousand pages are
 * full several times a second when a rack is switched on: one answer in a hundred was 76 ms late. Reading such a log at start takes well under a second.
 */
const CHECKPOINT_PAGES = 16_384

/** Of every connection. */
export const PRAGMAS = [
  // Of a new database, before anything is written: pages that are free can be given back, some at a time. An older one fills them anew.
  'PRAGMA auto_vacuum = INCREMENTAL',
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = FULL',
  `PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  'PRAGMA busy_timeout = 2000',
  'PRAGMA foreign_keys = ON',
  // A sealed password that was shown does not stay behind in a free part of its page; costs no more writes.
  'PRAGMA secure_delete = FAST',
].join('; ')

/** Opens or makes the file. Throws EnvironmentProblem when the folder can't be written or another process holds it. */
export function openSqlite(file: string): Kysely<Database> {
  try {
    const db = new DatabaseSync(file)
    db.exec(PRAGMAS)
    return new Kysely<Database>({ dialect: new SqliteDialect({ database: adapt(db) }) })
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new EnvironmentProblem(
      'store',
      `can't open the database ${file}: ${what}`,
      'see paths.state and who owns that folder',
    )
  }
}
