import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EnvironmentProblem, type Problem } from '../../services/kit/problem.ts'
import { backUp, restore } from '../../services/store/backup.ts'
import { wayBack } from '../../services/store/damage.ts'
import { type MigrateOptions, type MigrationStep, openUpToDate } from '../../services/store/migrate.ts'
import { migrationLog } from '../../services/store/migration-log.ts'
import { MIGRATIONS } from '../../services/store/migrations.ts'
import { openSqlite } from '../../services/store/sqlite.ts'
import { openStore } from '../../services/store/store.ts'
import { HeardLog } from '../machine/rig.ts'

const NAMES = Object.keys(MIGRATIONS).toSorted()
const LATEST = NAMES.length

/** Rows as each level has them. */
const ROWS: Record<string, string[]> = {
  '0001-first-schema': [
    `insert into event (machine, at, source, type, body) values ('m', 1, 'dhcp', 'sighted', '{"a":1}'), ('n', 2, 'http', 'told', '{}')`,
    "insert into lease (address, mac, client_id, state, bound_at, expires_at) values ('10.77.0.11', 'bc:24:11:ab:12:21', '01', 'bound', 1, 2)",
  ],
  '0002-reserved-by': [
    "insert into lease (address, mac, state, bound_at, expires_at, reserved_by) values ('10.77.0.12', 'bc:24:11:ab:12:22', 'released', 3, 4, 'mac')",
  ],
  '0003-documents': [
    "insert into document values ('m', 'report', 'a1', 5, '{\"b\":2}'), ('m', 'system-info', null, 6, '{}')",
  ],
  '0004-outbox': [
    "insert into outbox (target, key, machine, event, body, created_at, tries, next_at) values ('t', 'k', 'm', 'told', '{}', 7, 1, 8)",
    "insert into outbox_target values ('t', 2)",
  ],
  '0005-passwords': ["insert into password values ('m', 'a1', '$6$', 'sealed', 9), ('n', 'b2', '$6$', null, 10)"],
  '0006-snapshots': [
    "insert into snapshot (machine, seq, holds, body) values ('m', 1, '[]', '{}')",
    'insert into checkpoint values (1, 2, 3)',
    "insert into forgotten values ('o', '[]', 'old', 11, 'anna')",
  ],
  '0007-restoration': ['insert into restoration values (1, 12, 13)'],
}

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-migrate-'))
  file = join(folder, 'state.sqlite')
})
afterEach(() => rm(folder, { recursive: true }))

/** Leaves a database as the version that had so many migrations left it. */
async function leaveAt(level: number): Promise<void> {
  const db = openSqlite(file)
  const migrations = Object.fromEntries(NAMES.slice(0, level).map(name => [name, MIGRATIONS[name]!]))
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations } }).migrateToLatest()
  expect(error).toBeUndefined()
  for (const statement of NAMES.slice(0, level).flatMap(name => ROWS[name]!)) await sql.raw(statement).execute(db)
  await db.destroy()
}

type Rows = Record<string, Record<string, unknown>[]>

/** The file octet by octet, without what SQLite counts up with every opening: how often it changed (https://www.sqlite.org/fileformat.html, 1.3). */
async function octetsOf(path: string): Promise<Buffer> {
  const octets = await readFile(path)
  for (const at of [24, 92]) octets.writeUInt32BE(0, at)
  return octets
}

/** Every table but those that say how far it was migrated. */
function rowsIn(path: string): Rows {
  const db = new DatabaseSync(path, { readOnly: true })
  const tables = db
    .prepare("select name from sqlite_schema where type = 'table' and name not like 'kysely_%' order by name")
    .all()
  const rows = tables.map(({ name }) => [
    name,
    db
      .prepare(`select * from "${String(name)}"`)
      .all()
      .map(row => ({ ...row })),
  ])
  db.close()
  return Object.fromEntries(rows) as Rows
}

const copies = async (): Promise<string[]> =>
  (await readdir(folder)).filter(name => name.startsWith('state.sqlite.')).toSorted()

async function openAndClose(options?: MigrateOptions): Promise<void> {
  await (await openUpToDate(file, options)).destroy()
}

async function problemOf(options: MigrateOptions): Promise<Problem> {
  const error: unknown = await openAndClose(options).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(EnvironmentProblem)
  return (error as EnvironmentProblem).problem
}

test('there are rows for every level', () => {
  expect(Object.keys(ROWS)).toEqual(NAMES)
})

describe('a database of an earlier version', () => {
  test.each(NAMES.slice(0, -1).map((name, i) => [name, i + 1] as const))('as %s left it', async (_, level) => {
    await leaveAt(level)
    const before = rowsIn(file)
    expect(Object.values(before).every(rows => rows.length > 0)).toBe(true)

    await (await openStore(folder)).close()
    const after = rowsIn(file)
    for (const [table, rows] of Object.entries(before)) {
      expect(after[table]).toEqual(rows.map(row => expect.objectContaining(row)))
    }
    const copy = `state.sqlite.before-${NAMES[level]}`
    expect(await copies()).toEqual([copy])
    expect((await stat(join(folder, copy))).mode & 0o777).toBe(0o600)
    expect(rowsIn(join(folder, copy))).toEqual(before)

    await rm(join(folder, copy))
    await (await openStore(folder)).close()
    expect(await copies()).toEqual([])
  })

  test('what was written last and lies in the log of writes is in the copy', async () => {
    await leaveAt(LATEST - 1)
    const beside = new DatabaseSync(file)
    beside.exec("insert into event (machine, at, source, type, body) values ('late', 9, 'dhcp', 'sighted', '{}')")
    await openAndClose()
    beside.close()
    expect(rowsIn(join(folder, `state.sqlite.before-${NAMES.at(-1)}`))['event']?.at(-1)).toMatchObject({
      machine: 'late',
    })
  })

  test('the copy is a way back: in place of the database it opens again', async () => {
    await leaveAt(2)
    const before = rowsIn(file)
    await openAndClose()
    await writeFile(file, await readFile(join(folder, `state.sqlite.before-${NAMES[2]}`)))
    expect(rowsIn(file)).toEqual(before)
    await openAndClose()
    expect(rowsIn(file)['lease']).toEqual(before['lease'])
  })

  test('two copies are kept: the one just made and the newest of the others', async () => {
    await leaveAt(LATEST - 1)
    for (const [day, name] of ['0002-b', '0003-c', '0001-a'].entries()) {
      await writeFile(`${file}.before-${name}`, '')
      // Also where the clock was ahead once.
      await utimes(`${file}.before-${name}`, new Date(2040, 0, 1 + day), new Date(2040, 0, 1 + day))
    }
    await openAndClose()
    expect(await copies()).toEqual(['state.sqlite.before-0001-a', `state.sqlite.before-${NAMES.at(-1)}`])
  })
})

test('a new state folder, and one of this version, get no copy', async () => {
  await (await openStore(folder)).close()
  expect(await readdir(folder)).toEqual(['state.sqlite'])
  await (await openStore(folder)).close()
  expect(await readdir(folder)).toEqual(['state.sqlite'])
})

test('what a killed process left of a copy is no way back, and goes when the next one is made', async () => {
  await leaveAt(LATEST - 1)
  const copy = `${file}.before-${NAMES.at(-1)}`
  await writeFile(`${file}.before-0005-whole`, '')
  for (const half of ['0004-half.part', '0004-half.part-journal']) await writeFile(`${file}.before-${half}`, 'half')
  for (const half of ['.part', '.part-journal']) await writeFile(`${copy}${half}`, 'half')
  expect(await wayBack(file)).toMatch(new RegExp(`; from before an update there is ${file}.before-0005-whole, to be `))
  await openAndClose()
  expect(await copies()).toEqual(['state.sqlite.before-0005-whole', `state.sqlite.before-${NAMES.at(-1)}`])
})

test('without room for the copy nothing is touched, and it is said what to do', async () => {
  await leaveAt(1)
  const before = await readFile(file)
  const problem = await problemOf({ look: async () => ({ bytes: 1024 ** 2, files: 1000 }) })
  expect(problem.message).toMatch(
    /^no room to copy the database .*: the disk of .* has 1\.0 MiB left, and 64\.\d MiB are needed$/,
  )
  expect(problem.hint).toBe(
    `make room there and start again, or install the version that ran before; ${file} is as it was`,
  )
  expect(await readFile(file)).toEqual(before)
  expect(await readdir(folder)).toEqual(['state.sqlite'])
})

test('where the copy cannot be made nothing is migrated', async () => {
  await leaveAt(1)
  const before = await readFile(file)
  // A folder has its name.
  await mkdir(`${file}.before-${NAMES[1]}`)
  const problem = await problemOf({})
  expect(problem.message).toContain(`can't copy the database to ${file}.before-${NAMES[1]} `)
  expect(await readFile(file)).toEqual(before)
  expect(await copies()).toEqual([`state.sqlite.before-${NAMES[1]}`])
})

describe('a migration that fails in its middle', () => {
  const good: Migration = { up: db => db.schema.createTable('first').addColumn('a', 'text').execute() }
  const bad: Migration = {
    async up(db) {
      await db.schema.createTable('half').addColumn('a', 'text').execute()
      await sql`update lease set state = 'released'`.execute(db)
      await sql`delete from event`.execute(db)
      await sql`insert into nowhere values (1)`.execute(db)
    },
  }
  const migrations = { ...MIGRATIONS, '9001-good': good, '9002-bad': bad }

  test('leaves the database as it was, with the migrations before it, and says how to go back', async () => {
    await leaveAt(LATEST)
    const [before, rows] = [await octetsOf(file), rowsIn(file)]
    const copy = `${file}.before-9001-good`
    expect(await problemOf({ migrations })).toEqual({
      code: 'store',
      severity: 'error',
      message: "can't bring the database up to date, it is as it was: 9002-bad: no such table: nowhere",
      hint: `install the version that ran before; should it not open the database, move ${copy} to ${file} and remove ${file}-wal and ${file}-shm`,
    })
    expect(await octetsOf(file)).toEqual(before)
    expect((await readdir(folder)).toSorted()).toEqual(['state.sqlite', 'state.sqlite.before-9001-good'])
    expect(rowsIn(copy)).toEqual(rows)
    // The version that ran before goes on.
    await openAndClose()
    expect(rowsIn(file)).toEqual(rows)
  })

  test('that SQLite takes back by itself is told with what failed', async () => {
    await leaveAt(LATEST)
    const rows = rowsIn(file)
    const up: Migration['up'] = async db => {
      await sql`delete from event`.execute(db)
      await sql`insert or rollback into lease select * from lease`.execute(db)
    }
    expect((await problemOf({ migrations: { ...MIGRATIONS, '9001-back': { up } } })).message).toBe(
      "can't bring the database up to date, it is as it was: 9001-back: UNIQUE constraint failed: lease.address",
    )
    expect(rowsIn(file)).toEqual(rows)
  })

  test('that finds no room says how much there is, and to make some', async () => {
    await leaveAt(LATEST)
    const looks = [
      { bytes: 1024 ** 3, files: 1000 },
      { bytes: 4096, files: 1000 },
    ]
    const { message, hint } = await problemOf({ migrations, look: async () => looks.shift()! })
    expect(message).toMatch(/: no such table: nowhere; the disk of \S+ has 4\.0 KiB left, and 64\.1 MiB are needed$/)
    expect(hint).toMatch(
      /^make room there and start again, or install the version that ran before; should it not open /,
    )
  })

  test('that fails at every start copies the database once, as long as nobody writes to it', async () => {
    await leaveAt(LATEST)
    const copied = async (): Promise<boolean[]> => {
      const steps: MigrationStep[] = []
      await problemOf({ migrations, onStep: step => steps.push(step) })
      return steps.flatMap(step => (step.step === 'copied' ? [step.isReused] : []))
    }
    const copy = `${file}.before-9001-good`
    expect([await copied(), await copied(), await copied()]).toEqual([[false], [true], [true]])
    // What is not whole is no way back.
    await truncate(copy, 8192)
    await utimes(copy, new Date(), (await stat(file)).mtime)
    expect([await copied(), await copied()]).toEqual([[false], [true]])
    // The version that ran before goes on, and is cut off with its last writes in the log of writes.
    const db = openSqlite(file)
    await sql`delete from lease`.execute(db)
    await db.destroy()
    expect([await copied(), await copied()]).toEqual([[false], [true]])
    expect(rowsIn(copy)['lease']).toEqual([])
    expect(await copies()).toEqual(['state.sqlite.before-9001-good'])
  })

  test('once it is mended, the copy is made anew and the database goes on', async () => {
    await leaveAt(LATEST)
    await problemOf({ migrations })
    const db = new DatabaseSync(file)
    db.exec("insert into event (machine, at, source, type, body) values ('late', 9, 'dhcp', 'sighted', '{}')")
    db.close()
    await openAndClose({ migrations: { ...migrations, '9002-bad': { up: async () => {} } } })
    expect(await copies()).toEqual(['state.sqlite.before-9001-good'])
    expect(rowsIn(`${file}.before-9001-good`)['event']?.at(-1)).toMatchObject({ machine: 'late' })
    expect(rowsIn(file)['first']).toEqual([])
  })
})

test('the log tells where the copy is, its size, how long it took, and which migrations ran', async () => {
  await leaveAt(LATEST - 1)
  const log = new HeardLog()
  await (await openStore(folder, undefined, log)).close()
  const copy = `${file}.before-${NAMES.at(-1)}`
  expect(log.lines.map(line => line.replace(/[\d.]+ KiB in [\d.]+ s/, 'SIZE in TIME'))).toEqual([
    `info the database was copied to ${copy} before it is brought up to date: SIZE in TIME`,
    `info bringing the database up to date: ${NAMES.at(-1)}, 1 of 1`,
  ])
  await (await openStore(folder, undefined, log)).close()
  await (await openStore(join(folder, 'new'), undefined, log)).close()
  expect(log.lines).toHaveLength(2)
})

test('a copy that takes long is told every five seconds, and a migration when it is done', () => {
  const log = new HeardLog()
  let now = 0
  const tell = migrationLog(log, () => now)
  for (now = 0; now <= 12_000; now += 1000) tell({ step: 'copying', done: now * 1024, total: 12_000 * 1024 })
  tell({ step: 'migrated', migration: '0007-quick', tookMs: 999 })
  tell({ step: 'migrated', migration: '0008-slow', tookMs: 61_000 })
  expect(log.lines).toEqual([
    'info copying the database: 41 % of 11.7 MiB',
    'info copying the database: 83 % of 11.7 MiB',
    'info 0008-slow took 61.0 s',
  ])
})

test('a database of a newer version is refused, and nothing is written or copied', async () => {
  await leaveAt(LATEST)
  const db = new DatabaseSync(file)
  db.exec("insert into kysely_migration values ('9999-later', '2030-01-01'); create table later (a)")
  db.close()
  const [before, { mtimeMs }] = [await readFile(file), await stat(file)]
  // Also where this version has further migrations of its own.
  for (const migrations of [MIGRATIONS, { ...MIGRATIONS, '9001-other': { up: async () => {} } }]) {
    expect(await problemOf({ migrations })).toMatchObject({
      message: `the database ${file} is of a newer version: this one does not know 9999-later`,
      hint: 'install that version again, or restore a backup of this one; nothing was changed',
    })
  }
  await expect(openStore(folder)).rejects.toThrow(/is of a newer version/)
  expect(await readFile(file)).toEqual(before)
  expect((await stat(file)).mtimeMs).toBe(mtimeMs)
  expect(await readdir(folder)).toEqual(['state.sqlite'])
})

test('what is no database is refused as it lies', async () => {
  await writeFile(file, 'not a database at all, but long enough to be looked at')
  expect((await problemOf({})).message).toBe(`can't open the database ${file}: file is not a database`)
  expect(await readdir(folder)).toEqual(['state.sqlite'])
})

describe('a backup', () => {
  test('takes no copy in, and a restore of an earlier one makes none', async () => {
    await leaveAt(1)
    const backup = join(folder, 'rack.backup')
    const state = join(folder, 'new')
    await backUp(folder, backup, new Date(0))
    await openAndClose()
    expect((await copies()).length).toBe(1)
    expect((await backUp(folder, `${backup}2`, new Date(0))).files).toEqual(['rack.backup'])
    await restore(backup, state, new Date(0))
    expect(await readdir(state)).toEqual(['state.sqlite'])
    expect(rowsIn(join(state, 'state.sqlite'))['snapshot']).toEqual([])
  })

  test('a copy is none', async () => {
    await leaveAt(1)
    await openAndClose()
    const copy = `${file}.before-${NAMES[1]}`
    await expect(restore(copy, join(folder, 'new'), new Date(0))).rejects.toThrow(/it is a backup of Rackrise/)
  })
})
