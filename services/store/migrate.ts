/** How a database of an earlier version is opened: looked at, copied beside itself, and changed as a whole or not at all. */
import { existsSync } from 'node:fs'
import { chmod, chown, rm, stat, utimes } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { EnvironmentProblem } from '../kit/problem.ts'
import { copiesBeside, copyDatabase, copyPath, PRIVATE_FILE } from './copy.ts'
import { refuseDamage, wayBack as wayBackTo } from './damage.ts'
import { runStatement } from './long-statement.ts'
import { MIGRATIONS } from './migrations.ts'
import { lackOf, roomOf, sizeOf } from './room.ts'
import type { Database } from './schema.ts'
import { cannotOpen, DISK_HINT, isDamage, isDiskFailure, openSqlite, PRAGMAS, readSqlite } from './sqlite.ts'

const COPIES_KEPT = 2

/** What becomes of a database of an earlier version, step by step. */
export type MigrationStep =
  | { step: 'copying'; done: number; total: number }
  | { step: 'copied'; copy: string; bytes: number; tookMs: number; isReused: boolean }
  | { step: 'migrating'; migration: string; number: number; of: number }
  | { step: 'migrated'; migration: string; tookMs: number }

export type MigrateOptions = {
  onStep?: (step: MigrationStep) => void
  migrations?: Record<string, Migration>
  /** Left out where the database is a copy already. */
  copies?: boolean
  /** Looks what is left of the disk of a folder. */
  look?: typeof roomOf
}

type Standing = { done: string[]; hasData: boolean }

/** Writes nothing. */
function standingOf(file: string): Standing {
  if (!existsSync(file)) return { done: [], hasData: false }
  return readSqlite(file, db => {
    const namesOf = (sql: string): string[] =>
      db
        .prepare(sql)
        .all()
        .map(({ name }) => String(name))
    const tables = namesOf("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
    return {
      done: tables.includes('kysely_migration') ? namesOf('select name from kysely_migration order by name') : [],
      hasData: tables.some(name => !name.startsWith('kysely_')),
    }
  })
}

/** The same of one that is whole. */
async function wholeStandingOf(file: string): Promise<Standing> {
  try {
    await refuseDamage(file)
    return standingOf(file)
  } catch (error) {
    if (error instanceof EnvironmentProblem) throw error
    throw cannotOpen(file, error, isDamage(error) ? await wayBackTo(file) : undefined)
  }
}

function problem(message: string, hint: string): EnvironmentProblem {
  return new EnvironmentProblem('store', message, hint)
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : JSON.stringify(error))

type Failure = { what: string; error: unknown; before: string; otherwise: string }

/** What failed, and what to do: make room where that is what is lacking, or `before`, the way back. */
async function failure(file: string, look: typeof roomOf, { what, error, before, otherwise }: Failure) {
  const message = `${what}: ${textOf(error)}`
  const lack = await lackOf(file, look).catch(() => undefined)
  if (lack !== undefined) return problem(`${message}; ${lack}`, `make room there and start again, or ${before}`)
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (isDiskFailure(cause)) return problem(message, `${DISK_HINT}, or ${before}`)
  // A large database is not read whole before. SQLite says the same of pages that the disk does not give.
  if (isDamage(cause))
    return problem(message, `see whether it is the disk (\`dmesg\`); if not, ${await wayBackTo(file)}`)
  return problem(message, otherwise)
}

async function needRoom(file: string, look: typeof roomOf): Promise<void> {
  const lack = await lackOf(file, look)
  if (lack === undefined) return
  throw problem(
    `no room to copy the database before it is brought up to date: ${lack}`,
    `make room there and start again, or install the version that ran before; ${file} is as it was`,
  )
}

/** The one just made is kept, and of the others the newest: older ones lack more and more of what happened since. */
async function dropOldCopies(file: string, made: string): Promise<void> {
  const { whole, halves } = await copiesBeside(file)
  for (const path of halves) await rm(path)
  const others = whole.filter(path => path !== made)
  const copies = await Promise.all(others.map(async path => ({ path, state: await stat(path) })))
  const newestFirst = copies.filter(({ state }) => state.isFile()).toSorted((a, b) => b.state.mtimeMs - a.state.mtimeMs)
  for (const { path } of newestFirst.slice(COPIES_KEPT - 1)) await rm(path)
}

/**
 * Puts what is in the log of writes where it belongs, as the last one who closes a database does: a database that nobody has written to since has the
 * same time then, which its copy is given, too.
 */
async function settle(file: string): Promise<number> {
  const db = new DatabaseSync(file)
  try {
    db.exec(PRAGMAS)
  } finally {
    db.close()
  }
  return Math.trunc((await stat(file)).mtimeMs)
}

/** Whether a copy is of the database as it is: a migration that fails at every start must not copy it at every start. */
async function isCopyOf(copy: string, changedAt: number): Promise<boolean> {
  if (!existsSync(copy) || Math.trunc((await stat(copy)).mtimeMs) !== changedAt) return false
  const [row] = await runStatement(copy, 'PRAGMA quick_check').catch(() => [])
  return Object.values(row ?? {})[0] === 'ok'
}

type Tell = (step: MigrationStep) => void

/** @returns its path; a copy of that name, of a database that went on since, is replaced */
async function copyBefore(file: string, migration: string, look: typeof roomOf, tell: Tell): Promise<string> {
  const copy = copyPath(file, migration)
  const began = performance.now()
  try {
    const { uid, gid } = await stat(file)
    const changedAt = await settle(file)
    const isReused = !existsSync(`${file}-wal`) && (await isCopyOf(copy, changedAt))
    if (!isReused) {
      const complete = async (part: string): Promise<void> => {
        // Whoever goes back to it must be able to open it, also when root was the one who came with the new version.
        if (process.getuid?.() === 0) await chown(part, uid, gid)
        await utimes(part, new Date(changedAt), new Date(changedAt))
      }
      await copyDatabase(file, copy, complete, (done, total) => tell({ step: 'copying', done, total }))
    }
    await dropOldCopies(file, copy)
    const tookMs = Math.round(performance.now() - began)
    tell({ step: 'copied', copy, bytes: await sizeOf(copy), tookMs, isReused })
    return copy
  } catch (error) {
    // Who only read it leaves an empty log of writes behind.
    await settle(file).catch(() => {})
    const before = `install the version that ran before; ${file} is as it was`
    const what = `can't copy the database to ${copy} before it is brought up to date`
    throw await failure(file, look, { what, error, before, otherwise: `see who owns that folder, or ${before}` })
  }
}

/** For whoever waits: a line that was told before has left the process by the time that a statement keeps it busy. */
const BREATH_MS = 20

/** The same migrations, each told before and after. */
function told(migrations: Record<string, Migration>, due: readonly string[], tell: Tell): Record<string, Migration> {
  const one = (name: string, migration: Migration): Migration => ({
    ...migration,
    async up(db) {
      tell({ step: 'migrating', migration: name, number: due.indexOf(name) + 1, of: due.length })
      await new Promise(resolve => setTimeout(resolve, BREATH_MS))
      const began = performance.now()
      await migration.up(db)
      tell({ step: 'migrated', migration: name, tookMs: Math.round(performance.now() - began) })
    },
  })
  return Object.fromEntries(Object.entries(migrations).map(([name, migration]) => [name, one(name, migration)]))
}

/** Throws what a migration throws, with its name. */
async function migrate(db: Kysely<Database>, migrations: Record<string, Migration>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error, results } = await migrator.migrateToLatest()
  if (error === undefined) return
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName
  const at = failed === undefined ? '' : `${failed}: `
  throw new Error(`${at}${textOf(error)}`, { cause: error })
}

/**
 * Opens a database, makes it if it is missing, and brings it up to this version. One that has data is copied to `FILE.before-MIGRATION` first; one of
 * a newer version is refused before anything is written. Throws EnvironmentProblem `store`.
 */
export async function openUpToDate(
  file: string,
  { migrations = MIGRATIONS, copies = true, look = roomOf, onStep = () => {} }: MigrateOptions = {},
): Promise<Kysely<Database>> {
  const { done, hasData } = await wholeStandingOf(file)
  const unknown = done.filter(name => !(name in migrations))
  if (unknown.length > 0) {
    throw problem(
      `the database ${file} is of a newer version: this one does not know ${unknown.join(', ')}`,
      'install that version again, or restore a backup of this one; nothing was changed',
    )
  }
  const due = Object.keys(migrations)
    .filter(name => !done.includes(name))
    .toSorted()
  const [first] = due
  let wayBack = 'install the version that ran before'
  // A new one is made in no time, and there is nothing to lose.
  const tell = hasData ? onStep : () => {}
  if (copies && hasData && first !== undefined) {
    await needRoom(file, look)
    const copy = await copyBefore(file, first, look, tell)
    wayBack += `; should it not open the database, move ${copy} to ${file} and remove ${file}-wal and ${file}-shm`
  }
  const db = openSqlite(file)
  try {
    await chmod(file, PRIVATE_FILE)
    await migrate(db, hasData ? told(migrations, due, tell) : migrations)
    return db
  } catch (error) {
    await db.destroy()
    const what = "can't bring the database up to date, it is as it was"
    throw await failure(file, look, { what, error, before: wayBack, otherwise: wayBack })
  }
}
