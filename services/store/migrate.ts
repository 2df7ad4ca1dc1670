/** How a database of an earlier version is opened: looked at, copied beside itself, and changed as a whole or not at all. */
import { existsSync } from 'node:fs'
import { chmod, chown, readdir, rm, stat, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { formatSize } from '../kit/amount.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { copyDatabase, PRIVATE_FILE } from './copy.ts'
import { MIGRATIONS } from './migrations.ts'
import type { Database } from './schema.ts'
import { cannotOpen, openSqlite, readSqlite } from './sqlite.ts'

const COPIES_KEPT = 2
/** Beside the copy: for what the migrations and the first leases write. */
const SPARE_BYTES = 64 * 1024 ** 2

export type MigrateOptions = {
  migrations?: Record<string, Migration>
  /** Left out where the database is a copy already. */
  copies?: boolean
  /** What may still be written to the disk of a folder. */
  freeBytes?: (folder: string) => Promise<number>
}

type Standing = { done: string[]; hasData: boolean }

/** Writes nothing. */
function standingOf(file: string): Standing {
  if (!existsSync(file)) return { done: [], hasData: false }
  try {
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
  } catch (error) {
    throw cannotOpen(file, error)
  }
}

function problem(message: string, hint: string): EnvironmentProblem {
  return new EnvironmentProblem('store', message, hint)
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : JSON.stringify(error))

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

async function sizeOf(file: string): Promise<number> {
  return existsSync(file) ? (await stat(file)).size : 0
}

async function needRoom(file: string, freeBytes: typeof freeBytesOf): Promise<void> {
  const folder = dirname(file)
  const needed = (await sizeOf(file)) + (await sizeOf(`${file}-wal`)) + SPARE_BYTES
  const free = await freeBytes(folder)
  if (free >= needed) return
  const left = `the disk of ${folder} has ${formatSize(free)} left, and ${formatSize(needed)} are needed`
  throw problem(
    `no room to copy the database before it is brought up to date: ${left}`,
    `make room there and start again, or install the version that ran before; ${file} is as it was`,
  )
}

/** The one just made is kept, and of the others the newest: older ones lack more and more of what happened since. */
async function dropOldCopies(file: string, made: string): Promise<void> {
  const folder = dirname(file)
  const names = (await readdir(folder)).filter(name => name.startsWith(`${basename(file)}.before-`))
  const paths = names.map(name => join(folder, name)).filter(path => path !== made)
  const copies = await Promise.all(paths.map(async path => ({ path, state: await stat(path) })))
  const newestFirst = copies.filter(({ state }) => state.isFile()).toSorted((a, b) => b.state.mtimeMs - a.state.mtimeMs)
  for (const { path } of newestFirst.slice(COPIES_KEPT - 1)) await rm(path)
}

/** @returns its path; a copy of that name, of an attempt that failed, is replaced */
async function copyBefore(file: string, migration: string): Promise<string> {
  const copy = `${file}.before-${migration}`
  try {
    const { uid, gid } = await stat(file)
    await copyDatabase(file, copy, async part => {
      // Whoever goes back to it must be able to open it, also when root was the one who came with the new version.
      if (process.getuid?.() === 0) await chown(part, uid, gid)
    })
    await dropOldCopies(file, copy)
    return copy
  } catch (error) {
    throw problem(
      `can't copy the database to ${copy} before it is brought up to date: ${textOf(error)}`,
      `see who owns that folder and that there is room, or install the version that ran before; ${file} is as it was`,
    )
  }
}

async function migrate(db: Kysely<Database>, migrations: Record<string, Migration>, wayBack: string): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error, results } = await migrator.migrateToLatest()
  if (error === undefined) return
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName
  const at = failed === undefined ? '' : `${failed}: `
  throw problem(`can't bring the database up to date, it is as it was: ${at}${textOf(error)}`, wayBack)
}

/**
 * Opens a database, makes it if it is missing, and brings it up to this version. One that has data is copied to `FILE.before-MIGRATION` first; one of
 * a newer version is refused before anything is written. Throws EnvironmentProblem `store`.
 */
export async function openUpToDate(
  file: string,
  { migrations = MIGRATIONS, copies = true, freeBytes = freeBytesOf }: MigrateOptions = {},
): Promise<Kysely<Database>> {
  const { done, hasData } = standingOf(file)
  const unknown = done.filter(name => !(name in migrations))
  if (unknown.length > 0) {
    throw problem(
      `the database ${file} is of a newer version: this one does not know ${unknown.join(', ')}`,
      'install that version again, or restore a backup of this one; nothing was changed',
    )
  }
  const [first] = Object.keys(migrations)
    .filter(name => !done.includes(name))
    .toSorted()
  let wayBack = 'install the version that ran before'
  if (copies && hasData && first !== undefined) {
    await needRoom(file, freeBytes)
    const copy = await copyBefore(file, first)
    wayBack += `; should it not open the database, move ${copy} to ${file} and remove ${file}-wal and ${file}-shm`
  }
  const db = openSqlite(file)
  try {
    await chmod(file, PRIVATE_FILE)
    await migrate(db, migrations, wayBack)
    return db
  } catch (error) {
    await db.destroy()
    throw error
  }
}
