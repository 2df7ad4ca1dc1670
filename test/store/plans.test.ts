/** No question about events walks over all of them: told by the engine's own plan, which no busy machine changes. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStore } from '../../services/store/store.ts'

let folder: string
let db: DatabaseSync
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-plans-'))
  await (await openStore(folder)).close()
  db = new DatabaseSync(join(folder, 'state.sqlite'))
})
afterAll(async () => {
  db.close()
  await rm(folder, { recursive: true })
})

test.each([
  [
    'a page of all events',
    'select * from event where seq > 7 order by seq limit 9',
    'SEARCH event USING INTEGER PRIMARY KEY (rowid>?)',
  ],
  [
    'a page of a timeline',
    "select * from event where machine = 'm' and seq > 7 order by seq limit 9",
    'SEARCH event USING INDEX event_by_machine (machine=? AND seq>?)',
  ],
  [
    'events that a target has not seen',
    "select * from event where seq > 7 and type in ('a', 'b') order by seq limit 9",
    'SEARCH event USING INTEGER PRIMARY KEY (rowid>?)',
  ],
  [
    'a page of snapshots',
    'select * from snapshot where place > 7 order by place limit 9',
    'SEARCH snapshot USING INTEGER PRIMARY KEY (rowid>?)',
  ],
  [
    'a page of documents',
    "select machine, kind, attempt, at from document where (machine, kind) > ('m', 'k') order by machine, kind limit 9",
    'SEARCH document USING INDEX sqlite_autoindex_document_1 ((machine,kind)>(?,?))',
  ],
  [
    'what a forgotten machine leaves',
    "delete from event where machine = 'm'",
    'SEARCH event USING INDEX event_by_machine (machine=?)',
  ],
  [
    'its snapshot',
    "delete from snapshot where machine = 'm'",
    'SEARCH snapshot USING INDEX sqlite_autoindex_snapshot_1 (machine=?)',
  ],
  [
    'its document',
    "delete from document where machine = 'm'",
    'SEARCH document USING INDEX sqlite_autoindex_document_1 (machine=?)',
  ],
])('%s', (_, sql, plan) => {
  const steps = db.prepare(`explain query plan ${sql}`).all()
  expect(steps.map(({ detail }) => detail)).toEqual([plan])
})
