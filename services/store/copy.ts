/** A database as of one instant in a file of its own, also while somebody writes. */
import { open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export const PRIVATE_FILE = 0o600

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Copies a database into a file that only its owner can read; `complete` does what is left to do with the copy before it gets its name.
 * The file is there as a whole and on the platter, or not at all. Throws what SQLite and the file system throw.
 */
export async function copyDatabase<T>(from: string, to: string, complete: (part: string) => Promise<T>): Promise<T> {
  const part = `${to}.part`
  try {
    await rm(part, { force: true })
    // Made first, so that it is private from its first byte on; VACUUM takes an empty file.
    await writeFile(part, '', { mode: PRIVATE_FILE })
    const db = new DatabaseSync(from, { readOnly: true })
    try {
      db.exec('PRAGMA busy_timeout = 10000')
      db.prepare('VACUUM INTO ?').run(part)
    } finally {
      db.close()
    }
    const result = await complete(part)
    await syncFile(part)
    await rename(part, to)
    await syncFile(dirname(to))
    return result
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}
