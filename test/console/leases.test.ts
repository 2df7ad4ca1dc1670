import { expect, test } from 'vitest'
import type { LeaseView } from '../../services/console/lease-view.ts'
import { localLeases, storedLeases } from '../../services/console/leases.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { Problem } from '../../services/kit/problem.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { MemoryStore } from '../dhcp/rig.ts'
import { Fleet, NODE1, NODE2, siteOf, STRANGER } from '../machine/rig.ts'

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
  const outcome = await leases.release(query)
  expect(wordOf(outcome)).toBe(word)
  expect(store.written.length - written).toBe(isProblem(outcome) ? 0 : 1)
})

test('a machine with two leases is asked about, never guessed at', async () => {
  const { leases } = await open([{ address: '10.77.0.101' }, { address: '10.77.0.100', mac: NODE1_SECOND }])
  expect(wordOf(await leases.release('node1'))).toBe(
    'ambiguous-lease: "node1" holds 2 leases: 10.77.0.100, 10.77.0.101',
  )
  expect(wordOf(await leases.release(NODE1_SECOND))).toBe('10.77.0.100 released')
})

test('what is released ends now, and is kept for its machine', async () => {
  const { leases, store, clock } = await open(RACK)
  await leases.release('node1')
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
  expect(await leases.release('node1')).toEqual({
    code: 'store-failed',
    message: 'the lease could not be written: ENOSPC',
    hint: 'make room on the disk of the state directory, and repeat the command',
    severity: 'error',
  })
})
