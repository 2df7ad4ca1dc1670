/**
 * A disk that becomes full while an old state is copied and brought up to date, for real and at every point of it: the start says what, where and what to do,
 * the database is as it was, and once there is room the same start comes up.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DATABASE_FILE } from '../../services/store/store.ts'
import { databaseOf, type Release } from './migration-releases.ts'
import { leaveState, OldState } from './old-state.ts'
import { type Left, SmallDisk } from './small-disk.ts'

const PROGRAM = join(import.meta.dirname, 'migration-start.ts')
const MACHINES = 100
const KIB = 1024
const SMALL_STEPS = 4
const LIMIT_MS = 120_000

const folder = mkdtempSync(join(tmpdir(), 'rackrise-migration-full-'))
let disk: SmallDisk

beforeAll(async () => {
  disk = await SmallDisk.make(join(folder, 'disk'))
})

afterAll(async () => {
  await disk.close()
  rmSync(folder, { recursive: true, force: true })
})

let count = 0
/** An old state on the disk. */
function laid(pristine: string): string {
  disk.makeRoom()
  const name = `state-${++count}`
  cpSync(pristine, disk.outside(name), { recursive: true, preserveTimestamps: true })
  return name
}

/** As it is now; SQLite does not find its way to files in another namespace. */
function seen(name: string): string {
  const copy = join(folder, 'seen')
  rmSync(copy, { recursive: true, force: true })
  cpSync(disk.outside(name), copy, { recursive: true, preserveTimestamps: true })
  return copy
}

function start(name: string, release: Release, ...more: string[]) {
  const { status, stdout } = disk.run([
    ...['env', `NODE_COMPILE_CACHE=${join(folder, 'cache')}`],
    ...[process.execPath, PROGRAM, disk.inside(name), release, ...more],
  ])
  return { status, last: stdout.trimEnd().split('\n').at(-1)! }
}

/** What a start says that failed for want of room: what, where and what to do. */
const LACK = String.raw`; the disk of \S+/state-\d+ has (\S+ \w+ left|room for \d more files \(see df -i\)), and (6\d\.\d MiB|4) are needed`
const TO_DO = '; make room there and start again, or install the version that ran before; '
const NO_COPY = new RegExp(
  String.raw`^error: can't copy the database to \S+ before it is brought up to date: [^;]+${LACK}${TO_DO}\S+/state\.sqlite is as it was$`,
)
const NO_MIGRATION = new RegExp(
  String.raw`^error: can't bring the database up to date, it is as it was: database or disk is full${LACK}${TO_DO}should it not open the database, move `,
)

type End = 'no copy' | 'no migration' | 'up'

/** Starts on a state with so little left, as if something else took the rest after it was looked at; and again with room. */
async function starve(pristine: string, old: OldState, left: Left): Promise<End> {
  const name = laid(pristine)
  disk.leave(left)
  const { status, last } = start(name, old.release, 'unmeasured')
  const at = `${JSON.stringify(left)} left: ${last}`
  // Killed by a signal it has none.
  expect([0, 1], at).toContain(status)
  const found = await old.expectKept(seen(name))
  const end: End = status === 0 ? 'up' : NO_COPY.test(last) ? 'no copy' : 'no migration'
  expect(found, at).toBe(end === 'up' ? 'migrated' : 'as before')
  if (end === 'no migration') expect(last).toMatch(NO_MIGRATION)
  expect(existsSync(join(seen(name), old.copy)), at).toBe(end !== 'no copy')
  // Also where it came up, what is in the log of writes may not have had room in the database.
  disk.makeRoom()
  expect(start(name, old.release), at).toMatchObject({ status: 0 })
  await old.expectUp(seen(name))
  return end
}

/** With more and more left, until it comes up. */
async function starveLess(pristine: string, old: OldState, less: (step: number) => Left): Promise<End[]> {
  const ends: End[] = []
  for (let step = 0; ends.at(-1) !== 'up'; step++) ends.push(await starve(pristine, old, less(step)))
  return ends
}

/** Every page that the index of the log of writes takes, then by quarters of what a copy takes. */
const bytesAt = (step: number): Left => ({
  bytes: step < SMALL_STEPS ? step * 12 * KIB : (step - SMALL_STEPS + 1) * 320 * KIB,
})

test(
  'a disk that becomes full while a database is copied or brought up to date: in words, as it was, and up when there is room',
  async () => {
    const pristine = join(folder, 'closed')
    await leaveState(pristine, 2, MACHINES)
    const ends = await starveLess(pristine, new OldState(pristine, 'rebuilding'), bytesAt)
    expect([...new Set(ends)]).toEqual(['no copy', 'no migration', 'up'])
  },
  LIMIT_MS,
)

test(
  'the same of a database that was cut off, with its last writes in the log of writes',
  async () => {
    const [closed, cutOff] = [join(folder, 'written'), join(folder, 'cut-off')]
    await leaveState(closed, 2, MACHINES)
    const writer = new DatabaseSync(databaseOf(closed))
    writer.exec("update event set at = at + 1; update lease set host_name = 'late'")
    cpSync(closed, cutOff, { recursive: true })
    writer.close()
    expect(statSync(`${databaseOf(cutOff)}-wal`).size).toBeGreaterThan(MACHINES * KIB)
    const ends = await starveLess(cutOff, new OldState(closed, 'rebuilding'), bytesAt)
    expect([...new Set(ends)]).toEqual(['no copy', 'no migration', 'up'])
  },
  LIMIT_MS,
)

test(
  'a disk on which no file can be made any more',
  async () => {
    const pristine = join(folder, 'files')
    await leaveState(pristine, 2, MACHINES)
    const ends = await starveLess(pristine, new OldState(pristine, 'rebuilding'), files => ({ files }))
    expect(ends).toEqual(['no copy', 'no copy', 'no copy', 'no copy', 'up'])
  },
  LIMIT_MS,
)

test.each([
  ['octets', { bytes: 8 * 1024 * KIB }, 'has 8.0 MiB left, and 65.'],
  ['files', { files: 3 }, 'has room for 3 more files (see df -i), and 4 are needed'],
])(
  'a disk with too few %s is seen before anything is touched',
  async (what, left, words) => {
    const pristine = join(folder, `few-${what}`)
    await leaveState(pristine, 2, MACHINES)
    const name = laid(pristine)
    disk.leave(left)
    const { status, last } = start(name, 'this')
    const problem = 'error: no room to copy the database before it is brought up to date: the disk of '
    expect([status, last]).toEqual([1, expect.stringContaining(problem)])
    expect(last).toContain(words)
    expect(readdirSync(seen(name))).toEqual([DATABASE_FILE])
    expect(readFileSync(databaseOf(seen(name)))).toEqual(readFileSync(databaseOf(pristine)))
    disk.makeRoom()
    expect(start(name, 'this')).toMatchObject({ status: 0 })
    await new OldState(pristine, 'this').expectUp(seen(name))
  },
  LIMIT_MS,
)
