/** Releases that an old state is brought up to, and a start of one. */
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Log } from '../../services/kit/log.ts'
import { refuseLoss } from '../../services/store/damage.ts'
import { openUpToDate } from '../../services/store/migrate.ts'
import { migrationLog } from '../../services/store/migration-log.ts'
import { MIGRATIONS } from '../../services/store/migrations.ts'
import { type Room, roomOf } from '../../services/store/room.ts'
import { DATABASE_FILE, openStore } from '../../services/store/store.ts'

export const databaseOf = (folder: string): string => join(folder, DATABASE_FILE)

/** Of the next release, perhaps: every event is written anew, so that the migration is as long as the database is large. */
const REBUILD: Migration = {
  async up(db) {
    await sql`create table event_anew (
      seq integer primary key autoincrement, machine text not null, at integer not null, source text not null, type text not null, body text not null
    )`.execute(db)
    await sql`insert into event_anew select seq, machine, at, source, type, body from event`.execute(db)
    await sql`drop table event`.execute(db)
    await sql`alter table event_anew rename to event`.execute(db)
    await sql`create index event_by_machine on event (machine, seq)`.execute(db)
  },
}

/** The migrations of this release, or one more. */
export type Release = 'this' | 'rebuilding'
export const RELEASES: Record<Release, Record<string, Migration>> = {
  this: MIGRATIONS,
  rebuilding: { ...MIGRATIONS, '9001-rebuild': REBUILD },
}

/** What the log says first of these. */
export const COPIED = /^the database (was copied to|is as it was when)/
export const MIGRATING = /^bringing the database up to date: /

export type StartOptions = {
  /** As if something else took the room after it was looked at. */
  isUnmeasured?: boolean
}

/** One start of a release, up to where the store serves; then it is closed. */
export async function startOn(
  folder: string,
  release: Release,
  log: Pick<Log, 'info'>,
  { isUnmeasured = false }: StartOptions = {},
): Promise<void> {
  if (release === 'this' && !isUnmeasured) return (await openStore(folder, undefined, log)).close()
  await refuseLoss(databaseOf(folder))
  let isLookedAt = false
  const look = async (of: string): Promise<Room> => {
    const found = await roomOf(of)
    const plenty = isUnmeasured && !isLookedAt
    isLookedAt = true
    return plenty ? { bytes: Infinity, files: Infinity } : found
  }
  const onStep = migrationLog(log)
  await (await openUpToDate(databaseOf(folder), { migrations: RELEASES[release], onStep, look })).destroy()
}
