/**
 * The whole state as one file, taken while the appliance runs: a copy of the database as of one instant, with the other files of the state
 * folder (key, certificates) in a table of it.
 */
import { chmod, chown, copyFile, lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Instant } from '../kit/clock.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { copyDatabase, PRIVATE_FILE, syncFile } from './copy.ts'
import { type HoldBack, noteMadeAt, noteRestoration, takeMadeAt } from './restoration.ts'
import { runStatement, type Told, whileItGrows } from './long-statement.ts'
import { openUpToDate } from './migrate.ts'
import { refuseHalfRestored, UNFINISHED } from './unfinished.ts'
import { DATABASE_FILE } from './store.ts'

const PRIVATE_FOLDER = 0o700
/** What the state folder holds beside the database is keys, certificates and notes. */
const LARGEST_FILE_BYTES = 16 * 1024 * 1024
const TABLE = 'backup_file'

/** Where a backup is laid out before anything is replaced. */
export function stagingIn(folder: string): string {
  return join(folder, 'restore.new')
}

export type BackupContent = { bytes: number; files: string[]; events: number; leases: number }

/** The names of the files to keep: neither the database itself nor sockets, folders and what is being written. */
async function looseFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter(name => !name.startsWith(DATABASE_FILE) && !/\.(new|part)$/.test(name))
  const states = await Promise.all(names.map(name => lstat(join(folder, name))))
  return names.filter((_, i) => states[i]!.isFile() && states[i]!.size <= LARGEST_FILE_BYTES).toSorted()
}

function problem(what: string, error: unknown, hint: string): EnvironmentProblem {
  return new EnvironmentProblem('backup', `${what}: ${error instanceof Error ? error.message : String(error)}`, hint)
}

function count(db: DatabaseSync, table: 'event' | 'lease'): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
}

/** Adds the loose files to a copy of the database, and when that was. */
async function addFiles(copy: string, folder: string, madeAt: Instant): Promise<Omit<BackupContent, 'bytes'>> {
  const files = await looseFiles(folder)
  const db = new DatabaseSync(copy)
  try {
    db.exec(`CREATE TABLE ${TABLE} (name TEXT PRIMARY KEY, mode INTEGER NOT NULL, body BLOB NOT NULL)`)
    const insert = db.prepare(`INSERT INTO ${TABLE} VALUES (?, ?, ?)`)
    for (const name of files) {
      const path = join(folder, name)
      insert.run(name, (await stat(path)).mode & 0o777, await readFile(path))
    }
    noteMadeAt(db, madeAt)
    return { files, events: count(db, 'event'), leases: count(db, 'lease') }
  } finally {
    db.close()
  }
}

/**
 * Writes the state of a folder into a new file, which only its owner can read: it holds the appliance's key. Beside a running appliance, too.
 * Throws EnvironmentProblem `backup`; the file is there as a whole or not at all.
 */
export async function backUp(folder: string, file: string, now: Date, tell?: Told): Promise<BackupContent> {
  refuseHalfRestored(folder)
  try {
    const content = await copyDatabase(
      join(folder, DATABASE_FILE),
      file,
      part => addFiles(part, folder, now.getTime()),
      tell,
    )
    return { bytes: (await stat(file)).size, ...content }
  } catch (error) {
    const hint = 'see that the state folder has a database, and that there is room for its copy'
    throw problem(`can't back up ${folder} to ${file}`, error, hint)
  }
}

/** What a restore does at the moment; octets where they can be counted. */
export type RestoreStep =
  | { doing: 'copying'; done: number; total: number }
  | { doing: 'checking' }
  | { doing: 'bringing up to date' }
  /** From here on it is not to be interrupted: it takes milliseconds. */
  | { doing: 'replacing' }
type OnStep = (step: RestoreStep) => void

async function needWhole(database: string): Promise<void> {
  const [row] = await runStatement(database, 'PRAGMA integrity_check')
  const verdict = Object.values(row ?? {})[0]
  if (verdict !== 'ok') throw new Error(`the database in it is damaged: ${String(verdict)}`)
}

type Laid = Omit<BackupContent, 'bytes'> & { madeAt: Instant }

/** Lays the content of a backup out in an empty folder, whole and checked, before anything is replaced. */
async function lay(file: string, staging: string, onStep: OnStep): Promise<Laid> {
  const database = join(staging, DATABASE_FILE)
  const tell: Told = (done, total) => onStep({ doing: 'copying', done, total })
  await whileItGrows(database, (await stat(file)).size, tell, copyFile(file, database))
  await chmod(database, PRIVATE_FILE)
  onStep({ doing: 'checking' })
  await needWhole(database)
  const db = new DatabaseSync(database)
  try {
    const rows = db.prepare(`SELECT name, mode, body FROM ${TABLE}`).all()
    const files = rows.map(row => ({
      name: basename(String(row['name'])),
      mode: Number(row['mode']) & 0o777,
      body: row['body'] as Uint8Array,
    }))
    for (const { name, mode, body } of files) {
      await writeFile(join(staging, name), body, { mode: PRIVATE_FILE, flush: true })
      await chmod(join(staging, name), mode)
    }
    db.exec(`DROP TABLE ${TABLE}`)
    const names = files.map(({ name }) => name).toSorted()
    return { files: names, events: count(db, 'event'), leases: count(db, 'lease'), madeAt: takeMadeAt(db) }
  } finally {
    db.close()
  }
}

/** Everything in the folder but folders and sockets goes into another one, whence a person can take it back. */
async function setAside(folder: string, aside: string): Promise<boolean> {
  const names = await readdir(folder)
  const states = await Promise.all(names.map(name => lstat(join(folder, name))))
  const files = names.filter((name, i) => states[i]!.isFile() && name !== UNFINISHED)
  if (files.length === 0) return false
  await mkdir(aside, { mode: PRIVATE_FOLDER })
  for (const name of files) await rename(join(folder, name), join(aside, name))
  return true
}

/** `madeAt` is when the backup was made. */
export type Restored = Laid & { setAside?: string }

export type RestoreOptions = {
  onStep?: OnStep
  /** What holds machines back, since the state does not know what was installed after the backup; left out where nothing was. */
  holdBack?: HoldBack
}

/** What was laid out takes the place of what is there. A power cut in the middle of it leaves a mark, and nothing starts until a restore is done. */
async function replace(folder: string, staging: string, now: Date): Promise<string | undefined> {
  const { uid, gid } = await stat(folder)
  const mark = join(folder, UNFINISHED)
  await writeFile(mark, '', { mode: PRIVATE_FILE })
  await syncFile(folder)
  const aside = join(folder, `before-restore-${now.toISOString().replaceAll(/[:.]/g, '-')}`)
  const hadFiles = await setAside(folder, aside)
  for (const name of await readdir(staging)) {
    await chown(join(staging, name), uid, gid)
    await rename(join(staging, name), join(folder, name))
  }
  await syncFile(folder)
  await rm(mark)
  await syncFile(folder)
  return hadFiles ? aside : undefined
}

/**
 * Puts the state of a backup into the folder, whose present files are set aside in a folder below it. The backup is laid out, checked and brought
 * up to date beside them first, so a bad one changes nothing; what holds its machines back is in it before it is in its place. No appliance may run on the folder. Throws EnvironmentProblem `backup` or `store`.
 */
export async function restore(
  file: string,
  folder: string,
  now: Date,
  { onStep = () => {}, holdBack }: RestoreOptions = {},
): Promise<Restored> {
  const staging = stagingIn(folder)
  try {
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER })
    await rm(staging, { recursive: true, force: true })
    await mkdir(staging, { mode: PRIVATE_FOLDER })
    const content = await lay(file, staging, onStep)
    onStep({ doing: 'bringing up to date' })
    // Of an older version it becomes one of this version here; of a newer one it is refused.
    await (await openUpToDate(join(staging, DATABASE_FILE), { copies: false })).destroy()
    if (holdBack) noteRestoration(staging, { at: now.getTime(), backupOf: content.madeAt }, holdBack)
    await syncFile(join(staging, DATABASE_FILE))
    onStep({ doing: 'replacing' })
    const aside = await replace(folder, staging, now)
    return { ...content, ...(aside === undefined ? {} : { setAside: aside }) }
  } catch (error) {
    if (error instanceof EnvironmentProblem) throw error
    throw problem(
      `can't restore ${file} to ${folder}`,
      error,
      'see that it is a backup of Rackrise and that there is room',
    )
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}
