/** The state as typed questions: events, leases, what machines said of themselves, and what is on its way to others. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SQLInputValue } from 'node:sqlite'
import { type Kysely, sql } from 'kysely'
import type { Clock } from '../kit/clock.ts'
import { type Log, silentLog } from '../kit/log.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import { giveToOwnerOf } from '../kit/ownership.ts'
import { PRIVATE_FILE } from './copy.ts'
import type { StoreCounts } from './counts.ts'
import { EVENT_STATEMENTS, EVENT_UPKEEP, sqlEvents } from './events.ts'
import { refuseLoss } from './damage.ts'
import { openUpToDate } from './migrate.ts'
import { migrationLog } from './migration-log.ts'
import { OUTBOX_STATEMENTS, sqlOutbox } from './outbox.ts'
import { sizeOf } from './room.ts'
import type { Database, DocumentTable, LeaseTable, PasswordTable } from './schema.ts'
import { cannotOpen, PRAGMAS } from './sqlite.ts'
import { TurnWriter } from './turn-writer.ts'
import { refuseHalfRestored } from './unfinished.ts'
import type {
  DocumentKind,
  DocumentStore,
  EventStore,
  LeaseRecord,
  LeaseStore,
  MachineDocument,
  OutboxStore,
  PasswordRecord,
  PasswordStore,
} from './types.ts'

/** In the state folder; SQLite keeps its log beside it under longer names. */
export const DATABASE_FILE = 'state.sqlite'

const FOLDER_MODE = 0o700

function toRow(record: LeaseRecord): LeaseTable {
  return {
    address: record.address,
    mac: record.mac,
    client_id: record.clientId ?? null,
    state: record.state,
    bound_at: record.boundAt,
    expires_at: record.expiresAt,
    host_name: record.hostName ?? null,
    reserved_by: record.reservedBy ?? null,
  }
}

function fromRow(row: LeaseTable): LeaseRecord {
  return {
    address: row.address as Ipv4,
    mac: row.mac as Mac,
    state: row.state as LeaseRecord['state'],
    boundAt: row.bound_at,
    expiresAt: row.expires_at,
    ...(row.client_id === null ? {} : { clientId: row.client_id }),
    ...(row.host_name === null ? {} : { hostName: row.host_name }),
    ...(row.reserved_by === null ? {} : { reservedBy: row.reserved_by }),
  }
}

function documentRow({ machine, kind, attempt, at, body }: MachineDocument): DocumentTable {
  return { machine, kind, attempt: attempt ?? null, at, body }
}

function passwordRow({ machine, attempt, hash, sealed, at }: PasswordRecord): PasswordTable {
  return { machine, attempt, hash, sealed: sealed ?? null, at }
}

/** The writes that machines wait for, compiled once: their values are those of a row, in the order of its keys. */
const PUT_LEASE = 0
const PUT_DOCUMENT = 1
const PUT_PASSWORD = 2
const REMOVE_LEASES = 3
const REMOVE_DOCUMENT = 4
const RECLAIM = 5
const PROVE = 6
const SHIFT_LEASES = 7

/** Of the database: new events fill it, and a file that shrinks and grows gains nothing. */
const SPARE_PART = 1 / 8
const FEW_PAGES = 1024
/** A quarter of a megabyte: as much as a turn of a busy rack writes. */
const PAGES_AT_A_TIME = 64
const RECLAIM_PAUSE_MS = 20

function hotStatements(db: Kysely<Database>): string[] {
  const lease = toRow({ address: '' as Ipv4, mac: '' as Mac, state: 'bound', boundAt: 0, expiresAt: 0 })
  const columns = Object.keys(lease) as (keyof LeaseTable)[]
  const putLease = db
    .insertInto('lease')
    .values(lease)
    .onConflict(conflict =>
      conflict
        .column('address')
        .doUpdateSet(eb => Object.fromEntries(columns.map(column => [column, eb.ref(`excluded.${column}`)]))),
    )
  const document = documentRow({ machine: '', kind: 'report', at: 0, body: '' })
  const replaced = ['attempt', 'at', 'body'] as const
  const putDocument = db
    .insertInto('document')
    .values(document)
    .onConflict(conflict =>
      conflict
        .columns(['machine', 'kind'])
        .doUpdateSet(eb => Object.fromEntries(replaced.map(column => [column, eb.ref(`excluded.${column}`)]))),
    )
  const password = passwordRow({ machine: '', attempt: '', hash: '', at: 0 })
  const putPassword = db
    .insertInto('password')
    .values(password)
    .onConflict(conflict =>
      conflict
        .column('machine')
        .doUpdateSet(eb =>
          Object.fromEntries(
            (['attempt', 'hash', 'sealed', 'at'] as const).map(column => [column, eb.ref(`excluded.${column}`)]),
          ),
        ),
    )
  const removeLeases = 'delete from lease where address in (select value from json_each(?))'
  const removeDocument = 'delete from document where machine = ? and kind = ? and at = ?'
  const reclaim = `PRAGMA incremental_vacuum(${PAGES_AT_A_TIME})`
  return [
    ...[putLease, putDocument, putPassword].map(query => query.compile().sql),
    removeLeases,
    removeDocument,
    reclaim,
    'pragma user_version = 1',
    'update lease set bound_at = bound_at + ?1, expires_at = expires_at + ?1',
  ]
}

/** The state of one appliance. One process at a time writes; a second one may read. */
export class Store {
  readonly #db: Kysely<Database>
  readonly #writer: TurnWriter

  readonly #file: string

  constructor(db: Kysely<Database>, file: string, counts?: StoreCounts) {
    this.#db = db
    this.#file = file
    const hot = hotStatements(db)
    const statements = [...hot, ...EVENT_STATEMENTS, ...OUTBOX_STATEMENTS]
    const upkeep = new Set([REMOVE_DOCUMENT, RECLAIM, ...EVENT_UPKEEP.map(statement => hot.length + statement)])
    this.#writer = new TurnWriter({ file, pragmas: PRAGMAS, statements }, upkeep, counts)
    const writeFrom =
      (first: number) =>
      (statement: number, ...values: SQLInputValue[]): Promise<number> =>
        this.#writer.write([first + statement, ...values])
    this.events = sqlEvents(db, writeFrom(hot.length))
    this.outbox = sqlOutbox(db, writeFrom(hot.length + EVENT_STATEMENTS.length))
  }

  readonly events: EventStore
  readonly outbox: OutboxStore

  readonly leases: LeaseStore = {
    all: async () => (await this.#db.selectFrom('lease').selectAll().execute()).map(fromRow),
    put: async record => void (await this.#writer.write([PUT_LEASE, ...Object.values(toRow(record))])),
    shift: async byMs => void (await this.#writer.write([SHIFT_LEASES, byMs])),
    remove: async addresses => void (await this.#writer.write([REMOVE_LEASES, JSON.stringify(addresses)])),
  }

  readonly documents: DocumentStore = {
    put: async document => void (await this.#writer.write([PUT_DOCUMENT, ...Object.values(documentRow(document))])),
    get: async (machine, kind) => {
      const row = await this.#db
        .selectFrom('document')
        .selectAll()
        .where('machine', '=', machine)
        .where('kind', '=', kind)
        .executeTakeFirst()
      if (!row) return undefined
      const { at, body, attempt } = row
      return { machine, kind: row.kind as DocumentKind, at, body, ...(attempt === null ? {} : { attempt }) }
    },
    page: async (after, most) => {
      const query = this.#db
        .selectFrom('document')
        .select(['machine', 'kind', 'attempt', 'at'])
        .where(eb => eb(eb.refTuple('machine', 'kind'), '>', eb.tuple(after?.machine ?? '', after?.kind ?? '')))
        .orderBy('machine')
        .orderBy('kind')
        .limit(most)
      return (await query.execute()).map(({ attempt, kind, ...row }) => ({
        ...row,
        kind: kind as DocumentKind,
        ...(attempt === null ? {} : { attempt }),
      }))
    },
    remove: async ({ machine, kind, at }) => void (await this.#writer.write([REMOVE_DOCUMENT, machine, kind, at])),
  }

  readonly passwords: PasswordStore = {
    put: async record => void (await this.#writer.write([PUT_PASSWORD, ...Object.values(passwordRow(record))])),
    get: async machine => {
      const row = await this.#db.selectFrom('password').selectAll().where('machine', '=', machine).executeTakeFirst()
      if (!row) return undefined
      const { sealed, ...rest } = row
      return { ...rest, ...(sealed === null ? {} : { sealed }) }
    },
  }

  /** Writes that are not on stable storage yet. */
  get waiting(): number {
    return this.#writer.size
  }

  /** Why the last transaction failed; undefined if it did not. */
  get failure(): string | undefined {
    return this.#writer.failure
  }

  /** Of the database and of its log of writes, octets. */
  async sizes(): Promise<{ database: number; log: number }> {
    return { database: await sizeOf(this.#file), log: await sizeOf(`${this.#file}-wal`) }
  }

  /** Resolves when something was written to stable storage: a number in the file's header that nothing else uses. */
  async prove(): Promise<void> {
    await this.#writer.write([PROVE])
  }

  /**
   * Gives free pages back to the disk where they are many, some at a time; resolves with how many. What is left is filled anew, and so is all of a
   * database that was made before version 0006: that has no free pages to give.
   */
  async reclaim(clock: Clock): Promise<number> {
    const count = async (pragma: 'freelist_count' | 'page_count' | 'auto_vacuum'): Promise<number> => {
      const { rows } = await sql.raw<Record<string, number>>(`PRAGMA ${pragma}`).execute(this.#db)
      return rows[0]![pragma]!
    }
    const free = await count('freelist_count')
    const spare = Math.floor((await count('page_count')) * SPARE_PART)
    if ((await count('auto_vacuum')) === 0 || free < spare * 2 || free < FEW_PAGES) return 0
    for (let left = free; left > spare; left -= PAGES_AT_A_TIME) {
      await this.#writer.write([RECLAIM])
      await new Promise<void>(resolve => clock.after(RECLAIM_PAUSE_MS, resolve))
    }
    return free - (await count('freelist_count'))
  }

  async close(): Promise<void> {
    await this.#writer.close()
    await this.#db.destroy()
  }
}

/** What there is to give back once old rows are gone. */
export function sparePages(store: Pick<Store, 'reclaim'>, clock: Clock) {
  return { what: 'free pages of the database', prune: () => store.reclaim(clock) }
}

/** Empty, before SQLite opens it: the log of writes gets the owner that the database has by then. */
async function makeFor(folder: string, file: string): Promise<void> {
  if (existsSync(file)) return
  try {
    await writeFile(file, '', { mode: PRIVATE_FILE, flag: 'a' })
    await giveToOwnerOf(folder, file)
  } catch (error) {
    throw cannotOpen(file, error)
  }
}

/** Opens the state in a folder, which is made if it is missing, private to its owner (I08). @param log told of migrations */
export async function openStore(
  folder: string,
  counts?: StoreCounts,
  log: Pick<Log, 'info'> = silentLog,
): Promise<Store> {
  const file = join(folder, DATABASE_FILE)
  refuseHalfRestored(folder)
  try {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new EnvironmentProblem(
      'store',
      `can't make the state folder ${folder}: ${what}`,
      `${error instanceof Error && 'code' in error && error.code === 'EACCES' ? 'repeat the command with sudo, or ' : ''}set paths.state to a folder that this user may write`,
    )
  }
  await refuseLoss(file)
  await makeFor(folder, file)
  return new Store(await openUpToDate(file, { onStep: migrationLog(log) }), file, counts)
}
