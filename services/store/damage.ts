/**
 * A database that is not what it was is refused as it lies, with the way back: nothing is overwritten, and no empty one takes its place, which would
 * give leased addresses away and forget who was approved.
 */
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { EnvironmentProblem } from '../kit/problem.ts'
import { copiesBeside } from './copy.ts'
import { KEY_FILE } from './key.ts'
import { runStatement } from './long-statement.ts'
import { sizeOf } from './room.ts'
import { DISK_HINT, isDiskFailure, placeToRead, readSqlite, RESTORE_HINT } from './sqlite.ts'

/** A start may wait for so much to be read: less than half a second. What is larger is found out when it is read. */
const CHECKED_BYTES = 64 * 1024 ** 2

/** What to do about a database that can't be used, with the copies that lie beside it. */
export async function wayBack(file: string): Promise<string> {
  const { whole } = await copiesBeside(file).catch(() => ({ whole: [] }))
  const beside = whole.join(' and ')
  const older = beside === '' ? '' : `; from before an update there is ${beside}, to be moved in its place`
  return `${RESTORE_HINT}${older}`
}

async function refuse(file: string, what: string, more = ''): Promise<never> {
  throw new EnvironmentProblem(
    'store',
    `the database ${file} ${what}; nothing was changed`,
    (await wayBack(file)) + more,
  )
}

/**
 * Refuses a database that is gone, emptied or robbed of its log of writes. The key is made after the first database, so a folder that has one had the
 * other, too. Throws EnvironmentProblem `store`.
 */
export async function refuseLoss(file: string): Promise<void> {
  const folder = dirname(file)
  const size = await sizeOf(file)
  if (size === 0 && existsSync(join(folder, KEY_FILE))) {
    const afresh = `; to begin afresh, and lose who was approved and what was leased, remove ${join(folder, KEY_FILE)}, too`
    await refuse(file, existsSync(file) ? 'is empty, and was not' : 'is gone, and was there', afresh)
  }
  // SQLite makes the log before its index, and removes the index before the log.
  if (size > 0 && existsSync(`${file}-shm`) && !existsSync(`${file}-wal`))
    await refuse(
      file,
      `has lost its log of writes, ${basename(file)}-wal, and with it what was written last`,
      `; to go on without what was written last, remove ${file}-shm`,
    )
}

const isUnread = (verdict: string): boolean =>
  [...verdict.matchAll(/error code=(\d+)/g)].some(([, errcode]) => isDiskFailure({ errcode: Number(errcode) }))

/** Reads all of it, where that does not take long, as SQLite's own check does. Throws EnvironmentProblem `store`. */
export async function refuseDamage(file: string): Promise<void> {
  const size = await sizeOf(file)
  if (size === 0 || size > CHECKED_BYTES) return
  const verdict = readSqlite(file, db => Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0])
  if (verdict === 'ok') return
  // `quick_check` tells pages that the disk does not give as it tells pages that are wrong: those may be read on another day.
  if (isUnread(String(verdict)))
    throw new EnvironmentProblem(
      'store',
      `the disk does not give all of the database ${file}; nothing was changed`,
      DISK_HINT,
    )
  await refuse(file, `is damaged (${String(verdict).replaceAll(/\s+/g, ' ')})`)
}

/** A predicate of the database; `hint` where a backup is not the way back: one that is brought to a disk that fails is lost next. */
export type Damage = { is: string; hint?: string }

/** What is wrong with a database, however large, also while somebody writes it; undefined if nothing is, or there is none. */
export async function damageOf(file: string): Promise<Damage | undefined> {
  if ((await sizeOf(file)) === 0) return undefined
  const found = await runStatement(placeToRead(file), 'PRAGMA quick_check(1)').then(
    ([row = {}]) => ({ verdict: String(Object.values(row)[0]), hasFailed: false }),
    (error: Error) => ({ verdict: error.message, hasFailed: isDiskFailure({ message: error.message }) }),
  )
  if (found.verdict === 'ok') return undefined
  const verdict = found.verdict.replaceAll(/\s+/g, ' ')
  if (!found.hasFailed && !isUnread(verdict)) return { is: `is damaged: ${verdict}` }
  return { is: `is not given whole by its disk: ${verdict}`, hint: `stop the appliance; ${DISK_HINT}` }
}
