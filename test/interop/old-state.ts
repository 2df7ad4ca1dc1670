/** State folders as old releases left them, with a rack's worth of rows, and what has to be there whatever happened to a start on them. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Migrator } from 'kysely/migration'
import { expect } from 'vitest'
import { wayBack } from '../../services/store/damage.ts'
import { MIGRATIONS } from '../../services/store/migrations.ts'
import { openSqlite, readSqlite } from '../../services/store/sqlite.ts'
import { DATABASE_FILE } from '../../services/store/store.ts'
import { databaseOf, type Release, RELEASES } from './migration-releases.ts'

const NAMES = Object.keys(MIGRATIONS).toSorted()

const macOf = (number: string): string => `printf('bc:24:11:00:%02x:%02x', (${number}) >> 8, (${number}) & 255)`
const counting = (most: number): string =>
  `with recursive c (n) as (select 1 union all select n + 1 from c where n < ${most})`
const filler = (octets: number): string => `substr(hex(zeroblob(${octets})), 1, ${octets})`

const EVENTS_EACH = 40

/** Rows that each level has and those before it have not. */
function rowsOf(machines: number): Record<string, string> {
  return {
    '0001-first-schema': `
      ${counting(machines * EVENTS_EACH)} insert into event (machine, at, source, type, body)
        select ${macOf(`n % ${machines} + 1`)}, 1700000000000 + n, 'dhcp', 'sighted', json_object('n', n, 'said', ${filler(200)}) from c;
      ${counting(machines)} insert into lease (address, mac, client_id, state, bound_at, expires_at, host_name)
        select printf('10.77.%d.%d', n >> 8, n & 255), ${macOf('n')}, '01', 'bound', n, n + 3600, 'node' || n from c`,
    '0002-reserved-by': "update lease set reserved_by = 'mac' where state = 'bound'",
    '0003-documents': `${counting(machines)} insert into document select ${macOf('n')}, 'report', 'a' || n, n, ${filler(2000)} from c`,
    '0004-outbox': `${counting(machines)} insert into outbox (target, key, machine, event, body, created_at, tries, next_at)
        select 't', 'k' || n, ${macOf('n')}, 'told', '{}', n, 1, n from c;
      insert into outbox_target values ('t', ${machines})`,
    '0005-passwords': `${counting(machines)} insert into password select ${macOf('n')}, 'a' || n, '$6$', 'sealed', n from c`,
  }
}

/** Leaves a folder as the version that had so many migrations left it; five at most. */
export async function leaveState(folder: string, level: number, machines: number): Promise<void> {
  mkdirSync(folder, { mode: 0o700 })
  const file = databaseOf(folder)
  // Versions before 0006 did not say how free pages are given back.
  const born = new DatabaseSync(file)
  born.exec('PRAGMA journal_mode = WAL; PRAGMA user_version = 0')
  born.close()
  const db = openSqlite(file)
  const names = NAMES.slice(0, level)
  const migrations = Object.fromEntries(names.map(name => [name, MIGRATIONS[name]!]))
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations } }).migrateToLatest()
  expect(error).toBeUndefined()
  await db.destroy()
  const rows = new DatabaseSync(file)
  for (const name of names) rows.exec(rowsOf(machines)[name]!)
  rows.close()
}

/** Of each table its columns, how many rows it has and what they come to. */
export type Content = Record<string, { columns: string; rows: number; sha256: string }>

/** What a database holds, and how far it was migrated. @param like only these tables and columns; left out, all that hold what is kept */
export function contentOf(file: string, like?: Content): { content: Content; done: string[] } {
  return readSqlite(file, db => {
    const tables = like
      ? Object.entries(like).map(([table, { columns }]) => [table, columns] as const)
      : db
          .prepare(
            `select t.name as name, group_concat(c.name order by c.cid) as columns from pragma_table_list t, pragma_table_info(t.name) c
             where t.type = 'table' and t.name not like 'sqlite_%' and t.name not like 'kysely_%' group by t.name order by t.name`,
          )
          .all()
          .map(({ name, columns }) => [String(name), String(columns)] as const)
    const content = tables.map(([table, columns]) => {
      const hash = createHash('sha256')
      let rows = 0
      for (const { row } of db.prepare(`select json_array(${columns}) as row from ${table} order by rowid`).iterate()) {
        hash.update(String(row))
        rows += 1
      }
      return [table, { columns, rows, sha256: hash.digest('hex') }] as const
    })
    const done = db.prepare('select name from kysely_migration order by name').all()
    return { content: Object.fromEntries(content), done: done.map(({ name }) => String(name)) }
  })
}

/** An old state, and what each start on it has to keep. */
export class OldState {
  readonly release: Release
  readonly content: Content
  readonly done: readonly string[]
  /** The name of the copy. */
  readonly copy: string

  constructor(folder: string, release: Release) {
    const { content, done } = contentOf(databaseOf(folder))
    this.release = release
    this.content = content
    this.done = done
    this.copy = `${DATABASE_FILE}.before-${Object.keys(RELEASES[release]).toSorted()[done.length]}`
  }

  /** Whatever happened: all or nothing was migrated, all is there, and what is offered as the way back is whole. */
  async expectKept(folder: string): Promise<'as before' | 'migrated'> {
    const found = contentOf(databaseOf(folder), this.content)
    expect(found.content).toEqual(this.content)
    const all = Object.keys(RELEASES[this.release]).toSorted()
    expect([this.done, all]).toContainEqual(found.done)
    const copy = join(folder, this.copy)
    if (existsSync(copy)) this.#expectWholeCopy(copy)
    const offered = (await wayBack(databaseOf(folder))).match(/there is (.*), to be moved/)?.[1]
    expect(offered).toBe(existsSync(copy) ? copy : undefined)
    return found.done.length === all.length ? 'migrated' : 'as before'
  }

  #expectWholeCopy(copy: string): void {
    readSqlite(copy, db => expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]))
    expect(contentOf(copy)).toEqual({ content: this.content, done: this.done })
  }

  /** A start came up: all is migrated and there, beside it one copy that is whole, and no more. */
  async expectUp(folder: string): Promise<void> {
    expect(await this.expectKept(folder)).toBe('migrated')
    expect(readdirSync(folder).toSorted()).toEqual([DATABASE_FILE, this.copy])
  }
}
