/** SQLite inside the process: Node's own engine under Kysely, with every commit on the platter before it returns. */
import { existsSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import {
  type DatabaseConnection,
  type Driver,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
} from 'kysely'
import { EnvironmentProblem } from '../kit/problem.ts'
import type { Database } from './schema.ts'

const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

const SQLITE_IOERR = 10

/** Errors of these kinds; from another thread they come as text. */
function isOf(error: unknown, codes: readonly number[], texts: readonly string[]): boolean {
  const { errcode, message } = (error ?? {}) as { errcode?: unknown; message?: unknown }
  return typeof errcode === 'number' ? codes.includes(errcode & 0xff) : texts.includes(String(message))
}

/** SQLite found that the file is not what it wrote. */
export function isDamage(error: unknown): boolean {
  return isOf(error, [SQLITE_CORRUPT, SQLITE_NOTADB], ['database disk image is malformed', 'file is not a database'])
}

/** The disk did not read, write or flush what it was told to. */
export function isDiskFailure(error: unknown): boolean {
  return isOf(error, [SQLITE_IOERR], ['disk I/O error']) || (error as NodeJS.ErrnoException | undefined)?.code === 'EIO'
}

/** What to do about it. */
export const DISK_HINT = 'see what the kernel says of that disk (`dmesg`), and copy the folder to one that works'

export const RESTORE_HINT = 'bring a backup back with `rackrise restore FILE --force`, which sets this one aside'

/** Damage that is met while it is read: one line with the way back, as at the start. */
function tellingDamage<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!isDamage(error)) throw error
    throw new EnvironmentProblem('store', `the database ${file} is damaged: ${(error as Error).message}`, RESTORE_HINT)
  }
}

function adapt(db: DatabaseSync, file: string): SqliteDatabase {
  return {
    prepare(sql) {
      const statement = tellingDamage(file, () => db.prepare(sql))
      const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[]
      return {
        reader: statement.columns().length > 0,
        all: parameters => tellingDamage(file, () => statement.all(...values(parameters))),
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

/**
 * Of a new database, before anything is written: pages that are free can be given back, some at a time. An older one fills them anew. One that has it
 * would write it into its header each time, and then no start leaves a file as it was.
 */
const AT_BIRTH = 'PRAGMA auto_vacuum = INCREMENTAL'

/** Of every connection. */
export const PRAGMAS = [
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = FULL',
  `PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  'PRAGMA busy_timeout = 2000',
  'PRAGMA foreign_keys = ON',
  // A sealed password that was shown does not stay behind in a free part of its page; costs no more writes.
  'PRAGMA secure_delete = FAST',
].join('; ')

/** SQLite takes back what a transaction did to tables as it does rows; Kysely's own word for it leaves migrations outside of one. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** SQLite itself takes back a transaction whose statement found the disk full or broken; to take it back again would fail, and hide why. */
class RollbackDriver extends SqliteDriver {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync, database: SqliteDatabase) {
    super({ database })
    this.#db = db
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#db.isTransaction) await super.rollbackTransaction(connection)
  }
}

class TransactionalDialect extends SqliteDialect {
  readonly #driver: Driver

  constructor(db: DatabaseSync, file: string) {
    const database = adapt(db, file)
    super({ database })
    this.#driver = new RollbackDriver(db, database)
  }

  override createDriver(): Driver {
    return this.#driver
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter()
  }
}

/** Opens or makes the file. Throws EnvironmentProblem when the folder can't be written or another process holds it. */
export function openSqlite(file: string): Kysely<Database> {
  try {
    const db = new DatabaseSync(file)
    if (db.prepare('PRAGMA page_count').get()?.['page_count'] === 0) db.exec(AT_BIRTH)
    db.exec(PRAGMAS)
    return new Kysely<Database>({ dialect: new TransactionalDialect(db, file) })
  } catch (error) {
    throw cannotOpen(file, error)
  }
}

export function cannotOpen(
  file: string,
  error: unknown,
  // SQLite says the same of a disk without room for the index of its log.
  hint = isDiskFailure(error)
    ? `see that the disk has room (\`df\`), or ${DISK_HINT}`
    : 'see paths.state and who owns that folder',
): EnvironmentProblem {
  const what = error instanceof Error ? error.message : String(error)
  return new EnvironmentProblem('store', `can't open the database ${file}: ${what}`, hint)
}

/** Where to read a file that is there. Without a log of writes nobody writes: it is read as it lies, else SQLite would make that log, and leave it behind. */
export function placeToRead(file: string): URL {
  const where = pathToFileURL(file)
  if (!existsSync(`${file}-wal`)) where.searchParams.set('immutable', '1')
  return where
}

/** Reads a file that is there, all of one instant, and writes nothing, also beside who writes. Throws what SQLite throws. */
export function readSqlite<T>(file: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(placeToRead(file), { readOnly: true })
  try {
    db.exec('BEGIN')
    return read(db)
  } finally {
    db.close()
  }
}
