/** Every silence is counted with its reason, and so is everything else that an operator watches. */
import { WAITING_MOST } from '../../services/dhcp/backlog.ts'
import { macFromBytes } from '../../services/kit/mac.ts'
import { describe, expect, test } from 'vitest'
import type { SilenceReason } from '../../services/dhcp/reasons.ts'
import { REASONS } from '../../services/dhcp/reasons.ts'
import { uint8 } from '../../services/dhcp/options.ts'
import { OURS, Wire } from '../scenarios/wire.ts'
import { BIOS, dhcp, ip, mac, NODE1, NODE2, type Said } from './messages.ts'
import { type BootSilence, RACK, subnet } from './rig.ts'

const ADDRESS = '10.77.0.100'

/** DISCOVER and REQUEST; the machine has its address afterwards. */
async function boot(wire: Wire, said: Said = {}): Promise<void> {
  const [offer] = await wire.send('machine', dhcp('discover', said))
  await wire.send('machine', dhcp('request', { ...said, wants: offer!.message.yiaddr, server: OURS }))
}

/** How each silence comes about; the last message is the one that is not answered. */
/** Every address of it is leased. */
async function fillPool(wire: Wire): Promise<void> {
  for (const last of [1, 2, 3, 4]) await boot(wire, { mac: mac(`52:54:00:00:00:0${last}`) })
}

const SILENCES: Record<Exclude<SilenceReason, BootSilence>, (wire: Wire) => Promise<unknown>> = {
  malformed: wire => wire.sendBytes('machine', new Uint8Array(239)),
  'not-a-request': wire => wire.send('machine', { ...dhcp('offer'), op: 'reply' }),
  'no-message-type': wire => wire.send('machine', dhcp('discover', { options: [[53, uint8(99)]] })),
  'unexpected-type': wire => wire.send('machine', dhcp('offer')),
  'too-many-hops': wire => wire.send('machine', dhcp('discover', { hops: 17 })),
  'no-hardware-address': wire => wire.send('machine', { ...dhcp('discover'), htype: 6 }),
  'unknown-relay': wire => wire.send('machine', dhcp('discover', { giaddr: '10.99.0.1' })),
  'no-subnet': async wire => {
    await wire.restart({ subnets: [] })
    await wire.send('machine', dhcp('discover'))
  },
  'pool-exhausted': async wire => {
    await fillPool(wire)
    await wire.send('machine', dhcp('discover'))
  },
  'foreign-server': wire => wire.send('machine', dhcp('request', { wants: ADDRESS, server: '10.77.0.9' })),
  'unknown-client': async wire => {
    await wire.restart({ authoritative: false })
    await wire.send('machine', dhcp('request', { wants: ADDRESS }))
  },
  'inform-without-address': wire => wire.send('machine', dhcp('inform')),
  blocked: async wire => {
    wire.fleet.plans.set(NODE1, { do: 'silence', reason: 'blocked' })
    await wire.send('machine', dhcp('discover'))
  },
  ignored: async wire => {
    wire.fleet.plans.set(NODE1, { do: 'silence', reason: 'ignored' })
    await wire.send('machine', dhcp('discover'))
  },
  released: async wire => {
    await boot(wire)
    await wire.send('machine', dhcp('release', { ciaddr: ADDRESS, server: OURS }))
  },
  'release-refused': wire => wire.send('machine', dhcp('release', { ciaddr: ADDRESS, server: OURS })),
  declined: async wire => {
    await boot(wire)
    await wire.send('machine', dhcp('decline', { wants: ADDRESS, server: OURS }))
  },
  'decline-refused': wire => wire.send('machine', dhcp('decline', { wants: ADDRESS, server: OURS })),
  'decline-storm': async wire => {
    // A quarter of the four addresses may be in quarantine.
    for (const wants of [ADDRESS, '10.77.0.101']) {
      await boot(wire, { xid: Number(wants.slice(-1)) })
      await wire.send('machine', dhcp('decline', { wants, server: OURS }))
    }
  },
  'ack-pending': async wire => {
    await wire.send('machine', dhcp('discover'))
    wire.store.holdWrites()
    const request = dhcp('request', { wants: ADDRESS, server: OURS })
    await wire.send('machine', request)
    await wire.send('machine', request)
  },
  'request-overtaken': async wire => {
    await boot(wire)
    wire.store.holdWrites()
    await wire.send('machine', dhcp('request', { ciaddr: ADDRESS, xid: 7 }))
    await wire.send('machine', dhcp('release', { ciaddr: ADDRESS, server: OURS }))
    wire.store.letWritesGo()
    await wire.lan.settle()
  },
  'probe-pending': async wire => {
    wire.probe.hold()
    await wire.send('machine', dhcp('discover'))
    await wire.send('machine', dhcp('discover'))
  },
  'probe-overtaken': async wire => {
    wire.probe.hold()
    await wire.send('machine', dhcp('discover'))
    await wire.send('machine', dhcp('request', { wants: ADDRESS, server: '10.77.0.9' }))
    wire.probe.answer()
    await wire.lan.settle()
  },
  'all-in-use': async wire => {
    await wire.restart({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.199'])] })
    for (let last = 0; last < 8; last += 1) wire.probe.uses(`10.77.0.10${last}`, mac(`02:00:00:00:00:0${last}`))
    await wire.send('machine', dhcp('discover'))
  },
  overloaded: async wire => {
    const machines = Array.from({ length: WAITING_MOST + 1 }, (_, index) =>
      macFromBytes(Uint8Array.of(2, 0, 0, 0, index >> 8, index)),
    )
    // Nobody is offered anything, so there is nothing to be heard of the others.
    await fillPool(wire)
    await Promise.all(machines.map(sender => wire.send('machine', dhcp('discover', { mac: sender! }))))
  },
  'store-busy': async wire => {
    wire.store.holdWrites()
    for (let xid = 0; xid < 1025; xid += 1) {
      await wire.send('machine', dhcp('request', { xid, wants: ADDRESS, server: OURS }))
    }
  },
  'store-failed': async wire => {
    await wire.send('machine', dhcp('discover'))
    wire.store.failure = new Error('ENOSPC')
    await wire.send('machine', dhcp('request', { wants: ADDRESS, server: OURS }))
  },
  'store-slow': async wire => {
    await wire.send('machine', dhcp('discover'))
    wire.store.holdWrites()
    await wire.send('machine', dhcp('request', { wants: ADDRESS, server: OURS }))
    wire.clock.advance(10_001)
    wire.store.letWritesGo()
    await wire.lan.settle()
  },
  'internal-error': async wire => {
    wire.fleet.view = () => {
      throw new Error('a bug')
    }
    await wire.send('machine', dhcp('discover'))
  },
}

/** Of the message that is not answered; what could not be read, or failed on the way, has none. */
const TYPES: Partial<Record<SilenceReason, string>> = {
  malformed: 'none',
  'not-a-request': 'offer',
  'no-message-type': 'none',
  'unexpected-type': 'offer',
  'foreign-server': 'request',
  'unknown-client': 'request',
  'inform-without-address': 'inform',
  released: 'release',
  'release-refused': 'release',
  declined: 'decline',
  'decline-refused': 'decline',
  'decline-storm': 'decline',
  'ack-pending': 'request',
  'request-overtaken': 'request',
  'store-busy': 'request',
  'store-failed': 'request',
  'store-slow': 'request',
  'internal-error': 'none',
}

describe('every silence is counted under its reason', () => {
  test.each(Object.keys(SILENCES) as (keyof typeof SILENCES)[])('%s', async reason => {
    const wire = await Wire.open()
    await SILENCES[reason](wire)
    const series = `rackrise_dhcp_decisions_total{type="${TYPES[reason] ?? 'discover'}",outcome="silence",reason="${reason}"}`
    expect(wire.meter.read('rackrise_dhcp_decisions_total')).toMatchObject({ [series]: 1 })
    expect(wire.log.lines.map(line => line.reason)).toContain(reason)
  })
})

test('replies are counted by what they answer, what they are and why', async () => {
  const wire = await Wire.open()
  await boot(wire, BIOS)
  await wire.send('machine', dhcp('request', { wants: '10.77.0.103', xid: 7 }))
  expect(wire.meter.read('rackrise_dhcp_decisions_total')).toEqual({
    'rackrise_dhcp_decisions_total{type="discover",outcome="offer",reason="from-pool"}': 1,
    'rackrise_dhcp_decisions_total{type="request",outcome="ack",reason="selected"}': 1,
    'rackrise_dhcp_decisions_total{type="request",outcome="nak",reason="other-address"}': 1,
  })
})

test('datagrams are counted as they come and go, and A01 what is none of ours by what is wrong with it', async () => {
  const wire = await Wire.open()
  await wire.send('machine', dhcp('discover'))
  await wire.sendBytes('machine', new Uint8Array(3))
  await wire.sendBytes('machine', new Uint8Array(300))
  await wire.sendBytes('machine', new Uint8Array(301))
  expect(wire.meter.read()).toMatchObject({
    rackrise_dhcp_received_total: 4,
    rackrise_dhcp_sent_total: 1,
    'rackrise_dhcp_malformed_total{detail="too-short"}': 1,
    'rackrise_dhcp_malformed_total{detail="no-magic-cookie"}': 2,
  })
})

test('what was to be said about a reply is counted', async () => {
  const wire = await Wire.open()
  wire.fleet.plans.set(NODE1, { do: 'answer', url: 'https://10.77.0.1/a&b', fingerprint: 'AB:CD' })
  await wire.send('machine', dhcp('discover', { asks: [250, 251] }))
  expect(wire.meter.read('rackrise_dhcp_notes_total')).toEqual({
    'rackrise_dhcp_notes_total{reason="answer-unfit"}': 1,
  })
})

test('writes are counted with how long they took, and failed ones apart', async () => {
  const wire = await Wire.open()
  const [offer] = await wire.send('machine', dhcp('discover'))
  wire.store.holdWrites()
  await wire.send('machine', dhcp('request', { wants: offer!.message.yiaddr, server: OURS }))
  wire.clock.advance(250)
  wire.store.letWritesGo()
  await wire.lan.settle()
  wire.store.failure = new Error('ENOSPC')
  await wire.send('machine', dhcp('request', { ciaddr: ADDRESS, xid: 9 }))
  expect(wire.meter.read('rackrise_dhcp_write')).toEqual({
    'rackrise_dhcp_write_seconds_count{result="written"}': 1,
    'rackrise_dhcp_write_seconds_sum{result="written"}': 0.25,
    'rackrise_dhcp_write_seconds_count{result="failed"}': 1,
  })
})

test('leases and pools are counted by subnet and state', async () => {
  const wire = await Wire.open({ leaseSeconds: 600 })
  wire.fleet.reservations.set(NODE2, ip('10.77.0.11'))
  for (const last of [1, 2, 3]) await boot(wire, { mac: mac(`52:54:00:00:00:0${last}`) })
  await boot(wire, { mac: NODE2 })
  await wire.send('machine', dhcp('decline', { mac: mac('52:54:00:00:00:01'), wants: ADDRESS, server: OURS }))
  await wire.send('machine', dhcp('release', { mac: mac('52:54:00:00:00:02'), ciaddr: '10.77.0.101' }))
  await wire.send('machine', dhcp('discover', { mac: mac('52:54:00:00:00:04') }))
  const subnet = 'subnet="10.77.0.0/24"'
  expect(wire.meter.read('rackrise_dhcp_leases')).toEqual({
    [`rackrise_dhcp_leases{${subnet},state="active"}`]: 2,
    [`rackrise_dhcp_leases{${subnet},state="released"}`]: 1,
    [`rackrise_dhcp_leases{${subnet},state="quarantined"}`]: 1,
  })
  // Quarantine, a lease, and an offer; the reservation is in no pool.
  expect(wire.meter.read('rackrise_dhcp_pool')).toEqual({
    [`rackrise_dhcp_pool_addresses{${subnet},state="taken"}`]: 3,
    [`rackrise_dhcp_pool_addresses{${subnet},state="free"}`]: 1,
  })
  expect(wire.meter.read('rackrise_dhcp_offer')).toEqual({ rackrise_dhcp_offer_holds: 1 })
  wire.clock.advance(3_600_000)
  expect(wire.meter.read('rackrise_dhcp_leases')).toEqual({
    [`rackrise_dhcp_leases{${subnet},state="ended"}`]: 3,
    [`rackrise_dhcp_leases{${subnet},state="released"}`]: 1,
  })
  expect(wire.meter.read('rackrise_dhcp_pool')).toEqual({
    [`rackrise_dhcp_pool_addresses{${subnet},state="free"}`]: RACK.pools.length * 4,
  })
})

test('an address that is reserved is nobody’s to offer: taken, whether it is used or not', async () => {
  const wire = await Wire.open({ leaseSeconds: 600 })
  const pool = () =>
    Object.entries(wire.meter.read('rackrise_dhcp_pool')).map(
      ([name, value]) => `${/state="(\w+)"/.exec(name)![1]} ${value}`,
    )
  wire.fleet.reservations.set(NODE2, ip('10.77.0.101'))
  expect(pool()).toEqual(['taken 1', 'free 3'])
  await wire.send('machine', dhcp('discover', { mac: NODE2 }))
  expect(pool()).toEqual(['taken 1', 'free 3'])
  await boot(wire, { mac: NODE2 })
  expect(pool()).toEqual(['taken 1', 'free 3'])
  await boot(wire, { mac: NODE1 })
  expect(pool()).toEqual(['taken 2', 'free 2'])
  wire.clock.advance(3_600_000)
  expect(pool()).toEqual(['taken 1', 'free 3'])
})

test('a DISCOVER that is overtaken while its address is probed is a silence, too', async () => {
  const wire = await Wire.open()
  wire.probe.hold()
  await wire.send('machine', dhcp('discover', { xid: 1 }))
  await wire.send('machine', dhcp('discover', { xid: 2 }))
  wire.probe.answer()
  await wire.lan.settle()
  expect(wire.meter.read('rackrise_dhcp_decisions_total')).toEqual({
    'rackrise_dhcp_decisions_total{type="discover",outcome="silence",reason="probe-overtaken"}': 1,
    'rackrise_dhcp_decisions_total{type="discover",outcome="offer",reason="repeated-discover"}': 1,
  })
})

test('no datagram makes a new series: labels come from closed tables', async () => {
  const wire = await Wire.open()
  for (let n = 0; n < 500; n += 1) {
    const octets = [n & 255, n >> 8].map(octet => octet.toString(16).padStart(2, '0'))
    const anyMac = mac(`52:54:00:00:${octets[1]}:${octets[0]}`)
    await wire.send('machine', dhcp('discover', { mac: anyMac, xid: n, options: [[53, uint8(n % 9)]] }))
  }
  const reasons = Object.keys(wire.meter.read('rackrise_dhcp_decisions_total')).map(
    series => /reason="([^"]+)"/.exec(series)![1]!,
  )
  expect(reasons.filter(reason => !(reason in REASONS))).toEqual([])
  expect(Object.keys(wire.meter.read()).length).toBeLessThan(30)
})
