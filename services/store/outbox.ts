/** What is on its way to the targets of webhooks: one row for each target and event, until it was taken. */
import type { SQLInputValue } from 'node:sqlite'
import { type Kysely, sql } from 'kysely'
import type { Instant } from '../kit/clock.ts'
import type { Database, OutboxTable } from './schema.ts'
import type { EventRow, NewOutboxRow, OutboxRow, OutboxStore } from './types.ts'

/** Numbers of the statements below. */
const ADD = 0
const SEE = 1
const DELIVERED = 2
const FAILED = 3
const GIVE_UP = 4
const RETRY = 5
const PRUNE_OLD = 6
const PRUNE_MANY = 7
const FORGET_ROWS = 8
const FORGET_TARGET = 9
const SHIFT = 10

/** Of the thread that writes. A transaction holds what was asked for in one turn of the event loop. */
export const OUTBOX_STATEMENTS = [
  `insert into outbox (target, key, machine, event, body, created_at, tries, next_at)
   values (?1, ?2, ?3, ?4, ?5, ?6, 0, ?6) on conflict (target, key) do nothing`,
  'insert into outbox_target (target, seen) values (?, ?) on conflict (target) do update set seen = excluded.seen',
  'delete from outbox where id = ?',
  'update outbox set tries = ?, next_at = ?, error = ? where id = ?',
  'update outbox set given_up_at = ? where id = ?',
  'update outbox set tries = 0, created_at = ?2, next_at = ?2, given_up_at = null where target = ?1',
  'delete from outbox where target = ? and given_up_at < ?',
  `delete from outbox where target = ?1
   and id <= (select id from outbox where target = ?1 order by id desc limit 1 offset ?2)`,
  'delete from outbox where target = ?',
  'delete from outbox_target where target = ?',
  'update outbox set created_at = created_at + ?1, next_at = next_at + ?1, given_up_at = given_up_at + ?1',
]

type Write = (statement: number, ...values: SQLInputValue[]) => Promise<unknown>

function fromRow(row: { [K in keyof OutboxTable]: K extends 'id' ? number : OutboxTable[K] }): OutboxRow {
  const { id, target, key, machine, event, body, tries } = row
  return {
    ...{ id, target, key, machine, event, body, tries },
    createdAt: row.created_at,
    nextAt: row.next_at,
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.given_up_at === null ? {} : { givenUpAt: row.given_up_at }),
  }
}

/** The first row of each machine that is not given up: what follows it waits for it, so that each machine is told in order. */
async function dueRows(db: Kysely<Database>, target: string, now: Instant, most: number): Promise<OutboxRow[]> {
  const firsts = db
    .selectFrom('outbox')
    .select(eb => eb.fn.min('id').as('id'))
    .where('target', '=', target)
    .where('given_up_at', 'is', null)
    .groupBy('machine')
  const rows = await db
    .selectFrom('outbox')
    .selectAll()
    .where('id', 'in', firsts)
    .where('next_at', '<=', now)
    .orderBy('id')
    .limit(most)
    .execute()
  return rows.map(fromRow)
}

async function countOf(db: Kysely<Database>, target: string): ReturnType<OutboxStore['count']> {
  const rows = db.selectFrom('outbox').where('target', '=', target)
  const counted = await rows
    .select(eb => [
      eb.fn.countAll<number>().filterWhere('given_up_at', 'is', null).as('pending'),
      eb.fn.countAll<number>().filterWhere('given_up_at', 'is not', null).as('given_up'),
      eb.fn.min('created_at').filterWhere('given_up_at', 'is', null).as('oldest_at'),
    ])
    .executeTakeFirstOrThrow()
  const last = await rows
    .select(['tries', 'error'])
    .where('tries', '>', 0)
    .orderBy('next_at', 'desc')
    .executeTakeFirst()
  return {
    pending: counted.pending,
    givenUp: counted.given_up,
    tries: last?.tries ?? 0,
    ...(counted.oldest_at === null ? {} : { oldestAt: counted.oldest_at }),
    ...(last?.error ? { error: last.error } : {}),
  }
}

async function unseenEvents(
  db: Kysely<Database>,
  target: string,
  types: readonly string[],
  most: number,
): Promise<EventRow[]> {
  const followed = await db.selectFrom('outbox_target').select('seen').where('target', '=', target).executeTakeFirst()
  if (!followed) return []
  const rows = await db
    .selectFrom('event')
    .selectAll()
    .where('seq', '>', followed.seen)
    .where('type', 'in', types)
    .orderBy('seq')
    .limit(most)
    .execute()
  return rows as EventRow[]
}

export function sqlOutbox(db: Kysely<Database>, write: Write): OutboxStore {
  const done = async (...writes: Promise<unknown>[]): Promise<void> => void (await Promise.all(writes))
  return {
    async follow(targets) {
      const known = (await db.selectFrom('outbox_target').select('target').execute()).map(({ target }) => target)
      const newest = await sql<{ seq: number | null }>`select max(seq) as seq from event`.execute(db)
      const seen = newest.rows[0]?.seq ?? 0
      const gone = known.filter(target => !targets.includes(target))
      await done(
        ...gone.flatMap(target => [write(FORGET_ROWS, target), write(FORGET_TARGET, target)]),
        ...targets.filter(target => !known.includes(target)).map(target => write(SEE, target, seen)),
      )
    },
    unseen: (target, types, most) => unseenEvents(db, target, types, most),
    collect: (target, seen, rows) => done(...rows.map(row => add(write, row)), write(SEE, target, seen)),
    due: (target, now, most) => dueRows(db, target, now, most),
    delivered: id => done(write(DELIVERED, id)),
    failed: ({ id, tries, nextAt, error }) => done(write(FAILED, tries, nextAt, error ?? null, id)),
    giveUp: (id, at) => done(write(GIVE_UP, at, id)),
    retry: (target, now) => done(write(RETRY, target, now)),
    shift: byMs => done(write(SHIFT, byMs)),
    prune: (target, before, most) => done(write(PRUNE_OLD, target, before), write(PRUNE_MANY, target, most)),
    count: target => countOf(db, target),
  }
}

function add(write: Write, { target, key, machine, event, body, createdAt }: NewOutboxRow): Promise<unknown> {
  return write(ADD, target, key, machine, event, body, createdAt)
}
