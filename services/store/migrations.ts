/** How a database of any age becomes today's schema. A migration is never changed once released; a new one is added. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

const firstSchema: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('event')
      .addColumn('seq', 'integer', column => column.primaryKey().autoIncrement())
      .addColumn('machine', 'text', column => column.notNull())
      .addColumn('at', 'integer', column => column.notNull())
      .addColumn('source', 'text', column => column.notNull())
      .addColumn('type', 'text', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .execute()
    await db.schema.createIndex('event_by_machine').on('event').columns(['machine', 'seq']).execute()
    await db.schema
      .createTable('lease')
      .addColumn('address', 'text', column => column.primaryKey())
      .addColumn('mac', 'text', column => column.notNull())
      .addColumn('client_id', 'text')
      .addColumn('state', 'text', column => column.notNull().check(sql`state in ('bound', 'released', 'declined')`))
      .addColumn('bound_at', 'integer', column => column.notNull())
      .addColumn('expires_at', 'integer', column => column.notNull())
      .addColumn('host_name', 'text')
      .execute()
  },
}

const reservedBy: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('lease').addColumn('reserved_by', 'text').execute()
  },
}

const documents: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('document')
      .addColumn('machine', 'text', column => column.notNull())
      .addColumn('kind', 'text', column => column.notNull())
      .addColumn('attempt', 'text')
      .addColumn('at', 'integer', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .addPrimaryKeyConstraint('document_of_machine', ['machine', 'kind'])
      .execute()
  },
}

const outbox: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('outbox')
      .addColumn('id', 'integer', column => column.primaryKey().autoIncrement())
      .addColumn('target', 'text', column => column.notNull())
      .addColumn('key', 'text', column => column.notNull())
      .addColumn('machine', 'text', column => column.notNull())
      .addColumn('event', 'text', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .addColumn('created_at', 'integer', column => column.notNull())
      .addColumn('tries', 'integer', column => column.notNull())
      .addColumn('next_at', 'integer', column => column.notNull())
      .addColumn('error', 'text')
      .addColumn('given_up_at', 'integer')
      .addUniqueConstraint('outbox_once', ['target', 'key'])
      .execute()
    await db.schema
      .createIndex('outbox_by_machine')
      .on('outbox')
      .columns(['target', 'machine', 'id'])
      .where(sql.ref('given_up_at'), 'is', null)
      .execute()
    await db.schema
      .createTable('outbox_target')
      .addColumn('target', 'text', column => column.primaryKey())
      .addColumn('seen', 'integer', column => column.notNull())
      .execute()
  },
}

const passwords: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('password')
      .addColumn('machine', 'text', column => column.primaryKey())
      .addColumn('attempt', 'text', column => column.notNull())
      .addColumn('hash', 'text', column => column.notNull())
      .addColumn('sealed', 'text')
      .addColumn('at', 'integer', column => column.notNull())
      .execute()
  },
}

const snapshots: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('snapshot')
      .addColumn('place', 'integer', column => column.primaryKey().autoIncrement())
      .addColumn('machine', 'text', column => column.notNull().unique())
      .addColumn('seq', 'integer', column => column.notNull())
      .addColumn('holds', 'text', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .execute()
    await db.schema
      .createTable('checkpoint')
      .addColumn('id', 'integer', column => column.primaryKey().check(sql`id = 1`))
      .addColumn('seq', 'integer', column => column.notNull())
      .addColumn('version', 'integer', column => column.notNull())
      .execute()
    await db.schema
      .createTable('forgotten')
      .addColumn('machine', 'text', column => column.notNull())
      .addColumn('macs', 'text', column => column.notNull())
      .addColumn('name', 'text', column => column.notNull())
      .addColumn('at', 'integer', column => column.notNull())
      .addColumn('by', 'text', column => column.notNull())
      .execute()
  },
}

const restoration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('restoration')
      .addColumn('id', 'integer', column => column.primaryKey().check(sql`id = 1`))
      .addColumn('at', 'integer', column => column.notNull())
      .addColumn('backup_of', 'integer', column => column.notNull())
      .execute()
  },
}

/** In the order they run; the name is kept in the database. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-first-schema': firstSchema,
  '0002-reserved-by': reservedBy,
  '0003-documents': documents,
  '0004-outbox': outbox,
  '0005-passwords': passwords,
  '0006-snapshots': snapshots,
  '0007-restoration': restoration,
}
