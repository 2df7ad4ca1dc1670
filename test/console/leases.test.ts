import { describe, expect, test } from 'vitest'
import { localLeases, storedLeases } from '../../services/console/leases.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { Problem } from '../../services/kit/problem.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { MemoryStore } from '../dhcp/rig.ts'
import { Fleet, NODE1, NODE2, siteOf, STRANGER } from '../machine/rig.ts'
import type { LeaseView } from '../../services/console/schema/lease.ts'

const MINUTE = 60_000
const NODE1_SECOND = 'bc:24:11:ab:12:31' as Mac
const SITE = siteOf(`[[machine]]\nname = "node1"\nmac = ["${NODE1}", "${NODE1_SECOND}"]\nprofile = "pve"\n`)

type Kept = Omit<Partial<LeaseRecord>, 'address'> & { address: string }

async function open(records: Kept[]) {
  const { registry, clock } = await Fleet.open(SITE)
  const store = new MemoryStore()
  for (const record of records) {
    const [boundAt, expiresAt] = [clock.now() - 30 * MINUTE, clock.now() + 30 * MINUTE]
    await store.put({ mac: NODE1, state: 'bound', boundAt, expiresAt, ...record, address: record.address as Ipv4 })
  }
  return { store, clock, leases: localLeases(storedLeases(store, clock), registry, clock, async () => {}) }
}

const wordOf = (outcome: LeaseView | Problem): string =>
  isProblem(outcome) ? `${outcome.code}: ${outcome.message}` : `${outcome.address} ${outcome.state}`

test('the list is by address as a number, with names and with the state as of now', async () => {
  const START = Date.UTC(2026, 0, 1)
  const { leases } = await open([
    { address: '10.77.0.100', mac: NODE2, hostName: 'gone', state: 'released', expiresAt: START - MINUTE },
    { address: '10.77.0.20', expiresAt: START },
    { address: '10.77.0.9' },
    { address: '10.77.0.30', mac: STRANGER, state: 'declined', expiresAt: START + MINUTE },
    { address: '10.77.0.31', mac: STRANGER, state: 'declined', expiresAt: START },
  ])
  const list = await leases.list()
  expect(list[0]).toEqual({
    address: '10.77.0.9',
    mac: NODE1,
    name: 'node1',
    state: 'bound',
    boundAt: '2025-12-31T23:30:00.000Z',
    expiresAt: '2026-01-01T00:30:00.000Z',
  })
  expect(list.map(({ address, name, state }) => [address, name, state])).toEqual([
    ['10.77.0.9', 'node1', 'bound'],
    ['10.77.0.20', 'node1', 'expired'],
    ['10.77.0.30', undefined, 'quarantine'],
    ['10.77.0.31', undefined, 'expired'],
    ['10.77.0.100', 'gone', 'released'],
  ])
})

const RACK: Kept[] = [
  { address: '10.77.0.100' },
  { address: '10.77.0.101', state: 'released' },
  { address: '10.77.0.102', mac: STRANGER },
  { address: '10.77.0.103', mac: STRANGER, state: 'declined' },
  { address: '10.77.0.104', mac: NODE2, state: 'released' },
]

test.each([
  ['an address', '10.77.0.100', '10.77.0.100 released'],
  ['a name', 'node1', '10.77.0.100 released'],
  ['a full name in another case', 'NODE1.rack.test', '10.77.0.100 released'],
  ['a MAC as a label spells it', 'BC-24-11-AB-12-21', '10.77.0.100 released'],
  ['the MAC of a machine that the fleet does not know', STRANGER, '10.77.0.102 released'],
  ['an address in quarantine', '10.77.0.103', '10.77.0.103 released'],
  ['a NIC without a lease, of a machine with one', NODE1_SECOND, `unknown-lease: no lease of "${NODE1_SECOND}"`],
  ['an address nobody has', '10.77.0.9', 'unknown-lease: no lease of "10.77.0.9"'],
  ['a name nobody has', 'node7', 'unknown-lease: no lease of "node7"'],
  ['an address that was given back', '10.77.0.101', 'not-leased: the lease of "10.77.0.101" was given back already'],
  ['a machine that gave its address back', NODE2, `not-leased: the lease of "${NODE2}" was given back already`],
])('release by %s', async (_, query, word) => {
  const { leases, store } = await open(RACK)
  const written = store.written.length
  const outcome = await leases.release(query, { force: false, who: 'anna' })
  expect(wordOf(outcome)).toBe(word)
  expect(store.written.length - written).toBe(isProblem(outcome) ? 0 : 1)
})

test('a machine with two leases is asked about, never guessed at', async () => {
  const { leases } = await open([{ address: '10.77.0.101' }, { address: '10.77.0.100', mac: NODE1_SECOND }])
  expect(wordOf(await leases.release('node1', { force: false, who: 'anna' }))).toBe(
    'ambiguous-lease: "node1" holds 2 leases: 10.77.0.100, 10.77.0.101',
  )
  expect(wordOf(await leases.release(NODE1_SECOND, { force: false, who: 'anna' }))).toBe('10.77.0.100 released')
})

test('what is released ends now, and is kept for its machine', async () => {
  const { leases, store, clock } = await open(RACK)
  await leases.release('node1', { force: false, who: 'anna' })
  expect(store.records.get('10.77.0.100' as Ipv4)).toEqual({
    address: '10.77.0.100',
    mac: NODE1,
    state: 'released',
    boundAt: clock.now() - 30 * MINUTE,
    expiresAt: clock.now(),
  })
})

test('a disk that is full is a problem with what to do', async () => {
  const { leases, store } = await open(RACK)
  store.failure = new Error('ENOSPC')
  expect(await leases.release('node1', { force: false, who: 'anna' })).toEqual({
    code: 'store-failed',
    message: 'the lease could not be written: ENOSPC',
    hint: 'make room on the disk of the state folder, and repeat the command',
    severity: 'error',
  })
})

describe('an address that an installed system has written down', () => {
  const KEPT = '10.77.0.100' as Ipv4

  async function installed(records: Kept[]) {
    const rig = await Fleet.open(SITE)
    const { registry, clock } = rig
    const attempt = await registry.startAttempt(rig.machine(NODE1), { by: 'operator', again: false })
    if (typeof attempt !== 'string') throw new Error(attempt.message)
    const served = { attempt, address: KEPT, layers: [], sha256: '', leftOut: [], withToken: true }
    await rig.happen(NODE1, { type: 'answer-served', ...served, staticOn: NODE1 })
    const store = new MemoryStore()
    const [boundAt, expiresAt] = [clock.now() - 90 * MINUTE, clock.now() - 30 * MINUTE]
    for (const record of records)
      await store.put({ mac: NODE1, state: 'bound', boundAt, expiresAt, ...record, address: record.address as Ipv4 })
    return { rig, store, leases: localLeases(storedLeases(store, clock), registry, clock, async () => {}) }
  }

  test.each<[string, Kept[]]>([
    ['its lease has ended', [{ address: KEPT }]],
    ['its lease was given back', [{ address: KEPT, state: 'released' }]],
    ['no lease of it is on record any more', []],
  ])('is shown as reserved when %s, and is not released by mistake', async (_, records) => {
    const { leases, store } = await installed(records)
    expect((await leases.list()).map(({ address, name, state }) => [address, name, state])).toEqual([
      [KEPT, 'node1', 'reserved'],
    ])
    const written = store.written.length
    for (const query of [KEPT, 'node1', NODE1]) {
      expect(await leases.release(query, { force: false, who: 'anna' })).toEqual({
        code: 'reserved-address',
        message: `the installed system of node1 has ${KEPT} written down and uses it, heard or not`,
        hint: `reinstall it with another network source, or give the address up all the same: \`rackrise lease release --force ${KEPT}\``,
        severity: 'error',
      })
    }
    expect(store.written.length).toBe(written)
  })

  test('can be given up all the same, and the timeline says who did it', async () => {
    const { leases, rig } = await installed([{ address: KEPT }])
    expect(wordOf(await leases.release(KEPT, { force: true, who: 'anna' }))).toBe(`${KEPT} released`)
    expect((await leases.list()).map(({ state }) => state)).toEqual(['released'])
    expect(rig.registry.byStaticAddress(KEPT)).toBeUndefined()
    const [last] = (await rig.registry.timeline(rig.machine(NODE1).id, 0, 99)).slice(-1)
    expect(last).toMatchObject({ type: 'address-given-up', source: 'operator', address: KEPT })
    expect(wordOf(await leases.release(KEPT, { force: false, who: 'anna' }))).toBe(
      `not-leased: the lease of "${KEPT}" was given back already`,
    )
  })

  test('without a record, too', async () => {
    const { leases } = await installed([])
    expect(wordOf(await leases.release('node1', { force: true, who: 'anna' }))).toBe(`${KEPT} released`)
    expect(await leases.list()).toEqual([])
  })
})
