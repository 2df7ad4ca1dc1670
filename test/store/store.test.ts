import { chown, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import { loadKey } from '../../services/store/key.ts'
import { MIGRATIONS } from '../../services/store/migrations.ts'
import { openSqlite } from '../../services/store/sqlite.ts'
import { gaugeStore, storeCounts } from '../../services/store/counts.ts'
import { openStore } from '../../services/store/store.ts'
import { FakeMeter } from '../fake/meter.ts'
import type { LeaseRecord } from '../../services/store/types.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-store-'))
})
afterEach(() => rm(folder, { recursive: true }))

const lease = (address: string, partial: Partial<LeaseRecord> = {}): LeaseRecord => ({
  address: address as Ipv4,
  mac: 'bc:24:11:ab:12:21' as Mac,
  state: 'bound',
  boundAt: 1,
  expiresAt: 2,
  ...partial,
})

test('what root makes in the folder of the appliance is the appliance’s', async () => {
  const nobody = 65_534
  if (process.getuid?.() === 0) await chown(folder, nobody, nobody)
  const { uid, gid } = await stat(folder)
  const store = await openStore(folder)
  await loadKey(folder)
  await store.leases.put(lease('10.77.0.11'))
  const names = (await readdir(folder)).toSorted()
  expect(names).toEqual(['secret.key', 'state.sqlite', 'state.sqlite-shm', 'state.sqlite-wal'])
  for (const name of names) {
    const made = await stat(join(folder, name))
    expect([name, made.uid, made.gid, made.mode & 0o777]).toEqual([name, uid, gid, 0o600])
  }
  await store.close()
})

test('leases come back as they were put, the latest of an address only', async () => {
  const first = await openStore(folder)
  const full = lease('10.77.0.11', {
    clientId: '01bc2411ab1221',
    hostName: 'node1',
    state: 'released',
    reservedBy: 'client-id 01',
  })
  await Promise.all([
    first.leases.put(lease('10.77.0.11')),
    first.leases.put(full),
    first.leases.put(lease('10.77.0.12')),
  ])
  await first.close()
  const again = await openStore(folder)
  expect(await again.leases.all()).toEqual([full, lease('10.77.0.12')])
  await again.close()
})

test('events are numbered in order, and a timeline begins behind a number', async () => {
  const store = await openStore(folder)
  const event = (machine: string, type: string) => ({ machine, at: 5, source: 'dhcp', type, body: '{}' })
  const numbers = await Promise.all([
    store.events.append(event('a', 'one')),
    store.events.append(event('b', 'two')),
    store.events.append(event('a', 'three')),
  ])
  expect(numbers).toEqual([1, 2, 3])
  expect((await store.events.page(0, 1000)).map(({ type }) => type)).toEqual(['one', 'two', 'three'])
  expect((await store.events.timeline('a', 1, 10)).map(({ type }) => type)).toEqual(['three'])
  await store.close()
})

test('of what a machine said the newest of each kind is kept', async () => {
  const store = await openStore(folder)
  const document = { machine: 'a', kind: 'report', attempt: 'a1a1a1a1', at: 5, body: '{}' } as const
  await Promise.all([
    store.documents.put(document),
    store.documents.put({ machine: 'a', kind: 'system-information', at: 4, body: '{"x":1}' }),
    store.documents.put({ machine: 'b', kind: 'report', at: 6, body: '{}' }),
  ])
  const newer = { ...document, attempt: 'b2b2b2b2', at: 7, body: '{"y":2}' }
  await store.documents.put(newer)
  await store.close()
  const again = await openStore(folder)
  expect(await again.documents.get('a', 'report')).toEqual(newer)
  expect(await again.documents.get('a', 'system-information')).toEqual({
    machine: 'a',
    kind: 'system-information',
    at: 4,
    body: '{"x":1}',
  })
  const named = (await again.documents.page(undefined, 2)).map(({ machine, kind, at }) => [machine, kind, at])
  expect(named).toEqual([
    ['a', 'report', 7],
    ['a', 'system-information', 4],
  ])
  expect(await again.documents.page({ machine: 'a', kind: 'system-information' }, 2)).toEqual([
    { machine: 'b', kind: 'report', at: 6 },
  ])
  expect(await again.documents.get('b', 'system-information')).toBeUndefined()
  await again.close()
})

test('the outbox gives the oldest row of each machine, when it is due, and nothing twice', async () => {
  const store = await openStore(folder)
  const { outbox } = store
  const row = (key: string, machine: string) => ({
    ...{ target: 't', key, machine, event: 'failed', body: '{}' },
    createdAt: 5,
  })
  const keys = async (now: number) => (await outbox.due('t', now, 10)).map(({ key }) => key)
  await outbox.follow(['t', 'u'])
  await outbox.collect('t', 9, [row('a1', 'a'), row('a2', 'a'), row('b1', 'b')])
  await outbox.collect('t', 9, [row('a1', 'a')])
  expect([await keys(4), await keys(5)]).toEqual([[], ['a1', 'b1']])
  await outbox.failed({ id: 1, tries: 1, nextAt: 70, error: 'it answered 503' })
  expect([await keys(60), await keys(70)]).toEqual([['b1'], ['a1', 'b1']])
  expect(await outbox.count('t')).toEqual({ pending: 3, givenUp: 0, oldestAt: 5, tries: 1, error: 'it answered 503' })
  await outbox.delivered(3)
  await outbox.giveUp(1, 80)
  expect([await keys(80), await outbox.count('t')]).toEqual([
    ['a2'],
    { pending: 1, givenUp: 1, oldestAt: 5, tries: 1, error: 'it answered 503' },
  ])
  await outbox.retry('t', 90)
  expect([await keys(89), await keys(90)]).toEqual([[], ['a1']])
  await outbox.prune('t', 0, 1)
  expect(await keys(90)).toEqual(['a2'])
  await outbox.giveUp(2, 100)
  await outbox.prune('t', 101, 10)
  expect(await outbox.count('t')).toEqual({ pending: 0, givenUp: 0, tries: 0 })
  await outbox.collect('u', 9, [{ ...row('a1', 'a'), target: 'u' }])
  await outbox.follow(['t'])
  await outbox.follow(['t', 'u'])
  expect((await outbox.count('u')).pending).toBe(0)
  await store.close()
})

test('a target of the outbox is shown the events that it has not seen', async () => {
  const store = await openStore(folder)
  const event = (type: string) => ({ machine: 'a', at: 5, source: 'http', type, body: '{}' })
  const unseen = async () => (await store.outbox.unseen('t', ['reported', 'stalled'], 2)).map(({ seq }) => seq)
  await store.events.append(event('reported'))
  await store.outbox.follow(['t'])
  for (const type of ['reported', 'leased', 'stalled', 'reported']) await store.events.append(event(type))
  expect(await unseen()).toEqual([2, 4])
  await store.outbox.collect('t', 4, [])
  await store.outbox.follow(['t'])
  expect(await unseen()).toEqual([5])
  await store.close()
})

test('one bad write fails its turn and nothing after it', async () => {
  const store = await openStore(folder)
  const bad = { ...lease('10.77.0.13'), state: 'nonsense' } as unknown as LeaseRecord
  const turn = await Promise.allSettled([store.leases.put(lease('10.77.0.11')), store.leases.put(bad)])
  expect(turn.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await store.leases.put(lease('10.77.0.12'))
  expect((await store.leases.all()).map(({ address }) => address)).toEqual(['10.77.0.12'])
  await store.close()
})

test('M08 the event loop goes on while the disk is waited for, and what is asked meanwhile shares the next flush', async () => {
  const store = await openStore(folder)
  await store.leases.put(lease('10.77.0.11'))
  // Another process that writes just now stands for a disk that takes its time.
  const other = new DatabaseSync(join(folder, 'state.sqlite'))
  other.exec('BEGIN IMMEDIATE')
  let durable = 0
  const asked = ['10.77.0.12', '10.77.0.13', '10.77.0.14'].map(async address => {
    await store.leases.put(lease(address))
    durable += 1
  })
  for (let turn = 0; turn < 100; turn++) await new Promise(resolve => setImmediate(resolve))
  expect([durable, (await store.leases.all()).length]).toEqual([0, 1])
  other.exec('ROLLBACK')
  await Promise.all(asked)
  expect((await store.leases.all()).length).toBe(4)
  other.close()
  await store.close()
})

test('closing waits for what is being written, and a store that nobody wrote to closes as well', async () => {
  const store = await openStore(folder)
  const written = Array.from({ length: 50 }, (_, last) => store.leases.put(lease(`10.77.0.${last}`)))
  await store.close()
  await Promise.all(written)
  const again = await openStore(folder)
  expect(await again.leases.all()).toHaveLength(50)
  await again.close()
})

test('I08 the database and the key are private to their owner', async () => {
  const state = join(folder, 'made')
  const store = await openStore(state)
  await loadKey(state)
  const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)
  expect([await mode(state), await mode(join(state, 'state.sqlite')), await mode(join(state, 'secret.key'))]).toEqual([
    '700',
    '600',
    '600',
  ])
  await store.close()
})

test('the key stays the same, and a damaged one is refused', async () => {
  const key = await loadKey(folder)
  expect(key).toHaveLength(32)
  expect(await loadKey(folder)).toEqual(key)
  await writeFile(join(folder, 'secret.key'), 'short')
  await expect(loadKey(folder)).rejects.toThrow(EnvironmentProblem)
})

test('a folder that cannot be made is one line with what to do', async () => {
  await writeFile(join(folder, 'file'), '')
  await expect(openStore(join(folder, 'file', 'state'))).rejects.toThrow(
    /can't make the state folder .*set paths\.state/,
  )
})

test('a database of the first schema keeps its leases, and learns what they were reserved by', async () => {
  const db = openSqlite(join(folder, 'state.sqlite'))
  const migrations = { '0001-first-schema': MIGRATIONS['0001-first-schema']! }
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations } }).migrateToLatest()
  expect(error).toBeUndefined()
  await sql`insert into lease (address, mac, state, bound_at, expires_at) values ('10.77.0.11', 'bc:24:11:ab:12:21', 'bound', 1, 2)`.execute(
    db,
  )
  await db.destroy()
  const store = await openStore(folder)
  expect(await store.leases.all()).toEqual([lease('10.77.0.11')])
  await store.leases.put(lease('10.77.0.11', { reservedBy: 'client-id 01' }))
  expect(await store.leases.all()).toEqual([lease('10.77.0.11', { reservedBy: 'client-id 01' })])
  await store.close()
})

test('transactions are counted with their time and their writes, and what waits is seen', async () => {
  const meter = new FakeMeter()
  const store = await openStore(folder, storeCounts(meter))
  gaugeStore(meter, store)
  const writes = [1, 2, 3].map(at => store.events.append({ machine: 'm', at, source: 'http', type: 't', body: '{}' }))
  expect(meter.read('rackrise_store_waiting')).toEqual({ rackrise_store_waiting_writes: 3 })
  await Promise.all(writes)
  const counted = await meter.readAll('rackrise_store')
  expect(counted).toMatchObject({
    'rackrise_store_commit_seconds_count{result="written"}': 1,
    'rackrise_store_writes_total{result="written"}': 3,
  })
  expect(counted['rackrise_store_bytes{file="database"}']).toBeGreaterThan(0)
  expect(counted['rackrise_store_waiting_writes']).toBeUndefined()
  await store.close()
})
