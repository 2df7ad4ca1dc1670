/** What a machine is offered first, where the order in which things came is not the order in which they end. */
import { expect, test } from 'vitest'
import { EXPIRY_GRACE_MS, LeaseTable } from '../../services/dhcp/lease-table.ts'
import { OFFER_HOLD_MS } from '../../services/dhcp/offers.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { ip, NODE1, NODE2, NODE3 } from './messages.ts'
import { OURS, RACK, START } from './rig.ts'

const [FIRST, SECOND, THIRD, LAST] = ['10.77.0.100', '10.77.0.101', '10.77.0.102', '10.77.0.103'].map(ip)
const HOUR_MS = 3_600_000
const nobody = () => false

function lease(address = FIRST!, more: Partial<LeaseRecord> = {}): LeaseRecord {
  return { address, mac: NODE1, state: 'bound', boundAt: START, expiresAt: START + HOUR_MS, ...more }
}

function tableOf(...records: LeaseRecord[]): LeaseTable {
  const table = new LeaseTable([RACK], OURS)
  for (const record of records) table.put(record)
  return table
}

test('a lease that is over is found behind one that runs on, after the site made leases shorter', () => {
  const table = tableOf(lease(FIRST, { expiresAt: START + 24 * HOUR_MS }), lease(SECOND), lease(THIRD), lease(LAST))
  const now = START + HOUR_MS + EXPIRY_GRACE_MS
  expect(table.nextFree(RACK, NODE2, now - 1, nobody)).toBeUndefined()
  expect(table.nextFree(RACK, NODE2, now, nobody)).toBe(SECOND)
})

test('after a restart a machine is remembered by what it had last, as before it', () => {
  const old = lease(FIRST)
  const last = lease(SECOND, { state: 'released', boundAt: START + 2 * HOUR_MS, expiresAt: START + 3 * HOUR_MS })
  const older = lease(THIRD, { state: 'released', expiresAt: START - 1 })
  const live = tableOf(older, old, { ...last, state: 'bound' }, last)
  const restarted = new LeaseTable([RACK], OURS)
  restarted.load([last, older, old], START + 4 * HOUR_MS)
  expect([live.ofMac(NODE1), restarted.ofMac(NODE1)]).toEqual([last, last])
})

test('what a machine holds is its newest after a restart, whatever of it ends later', () => {
  const ended = lease(SECOND, { state: 'released', boundAt: START + 1, expiresAt: START + 2 })
  const table = new LeaseTable([RACK], OURS)
  table.load([lease(), ended], START + 2)
  expect(table.ofMac(NODE1)).toEqual(lease())
})

test('of two addresses that strangers were offered the older offer is the first, whoever else was offered it before', () => {
  const table = tableOf(lease(THIRD), lease(LAST))
  table.hold(NODE1, FIRST!, START, 'stranger')
  table.hold(NODE2, FIRST!, START + 1, 'stranger')
  table.hold(NODE3, SECOND!, START + 2, 'stranger')
  table.expireHolds(START + OFFER_HOLD_MS)
  expect(table.nextOffered(RACK, NODE1, START + OFFER_HOLD_MS, nobody)).toBe(FIRST)
})

test('an offer whose time is over takes nothing of a pool, also where the address is reserved', () => {
  const table = tableOf()
  table.hold(NODE1, FIRST!, START, 'known')
  const taken = (now: number) => table.counts(now, [FIRST!])[0]?.poolTaken
  expect([taken(START), taken(START + OFFER_HOLD_MS)]).toEqual([1, 1])
})
