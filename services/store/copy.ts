/** A database as of one instant in a file of its own, also while somebody writes. */
import { open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { runStatement, type Told, whileItGrows } from './long-statement.ts'
import { readSqlite } from './sqlite.ts'

export const PRIVATE_FILE = 0o600

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** What a file that is being written is called until it is whole. */
export function partOf(file: string): string {
  return `${file}.part`
}

/** Where a database is copied to before that migration. */
export function copyPath(file: string, migration: string): string {
  return `${file}.before-${migration}`
}

/** SQLite's journal of what is being written; it stays where the process is killed. */
const journalOf = (part: string): string => `${part}-journal`

/** What was copied of a database before migrations. `halves` were being written when the process was killed or the power went: no way back. */
export async function copiesBeside(file: string): Promise<{ whole: string[]; halves: string[] }> {
  const beginning = copyPath(basename(file), '')
  const names = (await readdir(dirname(file))).filter(name => name.startsWith(beginning)).toSorted()
  const paths = names.map(name => join(dirname(file), name))
  const isHalf = (path: string): boolean => [partOf(''), journalOf(partOf(''))].some(end => path.endsWith(end))
  return { whole: paths.filter(path => !isHalf(path)), halves: paths.filter(isHalf) }
}

/** What a copy comes to at most: free pages are left out, and pages that are half empty are packed. */
const COPY_BYTES =
  'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size'

async function drop(part: string): Promise<void> {
  for (const path of [part, journalOf(part)]) await rm(path, { force: true })
}

/**
 * Copies a database into a file that only its owner can read; `complete` does what is left to do with the copy before it gets its name.
 * The file is there as a whole and on the platter, or not at all. Throws what SQLite and the file system throw.
 */
export async function copyDatabase<T>(
  from: string,
  to: string,
  complete: (part: string) => Promise<T>,
  tell: Told = () => {},
): Promise<T> {
  const part = partOf(to)
  try {
    await drop(part)
    // Made first, so that it is private from its first byte on; VACUUM takes an empty file.
    await writeFile(part, '', { mode: PRIVATE_FILE })
    const total = readSqlite(from, db => Number(db.prepare(COPY_BYTES).get()?.['bytes']))
    await whileItGrows(part, total, tell, runStatement(from, 'VACUUM INTO ?', part))
    const result = await complete(part)
    await syncFile(part)
    await rename(part, to)
    await syncFile(dirname(to))
    return result
  } catch (error) {
    await drop(part)
    throw error
  }
}
