import { describe, expect, test } from 'vitest'
import { QUARANTINE_MS } from '../../services/dhcp/lease-table.ts'
import { macFromBytes } from '../../services/kit/mac.ts'
import { codes, dhcp, ip, NODE1, NODE2, type Said } from './messages.ts'
import { Bench, START, subnet } from './rig.ts'

const OURS = '10.77.0.1'
const A = Uint8Array.of(1, 0xaa)
const B = Uint8Array.of(1, 0xbb)

describe('decline', () => {
  test('E01 the leaseholder’s address goes into quarantine, E05 without a reply', () => {
    const bench = new Bench()
    bench.lease('10.77.0.100', NODE1)
    expect(bench.outcome(dhcp('decline', { server: OURS, wants: '10.77.0.100' }))).toBe('silence declined 10.77.0.100')
    expect(bench.table.at(ip('10.77.0.100'))).toMatchObject({ state: 'declined', expiresAt: START + QUARANTINE_MS })
    expect(bench.outcome(dhcp('discover'))).toBe('offer from-pool 10.77.0.101')
    expect(bench.outcome(dhcp('request', { server: OURS, wants: '10.77.0.100' }))).toBe('nak address-taken 10.77.0.100')
  })

  test.each<[string, Said]>([
    ['E02 without a server', { wants: '10.77.0.100' }],
    ['E02 meant for another server', { wants: '10.77.0.100', server: '10.77.0.9' }],
    ['E02 without an address', { server: OURS }],
    ['E02 of another machine', { mac: NODE2, wants: '10.77.0.100', server: OURS }],
    ['E02 of an address that is not leased', { wants: '10.77.0.101', server: OURS }],
  ])('%s changes nothing', (_, said) => {
    const bench = new Bench()
    const lease = bench.lease('10.77.0.100', NODE1)
    expect(bench.outcome(dhcp('decline', said))).toBe('silence decline-refused')
    expect(bench.table.all()).toEqual([lease])
  })

  test('E04 quarantine ends', () => {
    const bench = new Bench({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.100'])] })
    bench.lease('10.77.0.100', NODE1)
    bench.silence(dhcp('decline', { server: OURS, wants: '10.77.0.100' }))
    bench.now += QUARANTINE_MS - 1
    expect(bench.outcome(dhcp('discover', { mac: NODE2 }))).toBe('silence pool-exhausted')
    bench.now += 1
    expect(bench.outcome(dhcp('discover', { mac: NODE2 }))).toBe('offer from-pool 10.77.0.100')
  })

  test('E03 one machine can put three addresses into quarantine', () => {
    const bench = new Bench({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.199'])] })
    const outcomes = ['10.77.0.100', '10.77.0.101', '10.77.0.102', '10.77.0.103'].map(wants => {
      bench.lease(wants, NODE1)
      return bench.outcome(dhcp('decline', { server: OURS, wants }))
    })
    expect(outcomes).toEqual([
      'silence declined 10.77.0.100',
      'silence declined 10.77.0.101',
      'silence declined 10.77.0.102',
      'silence decline-storm 10.77.0.103',
    ])
  })

  test('E03 all machines together can put a quarter of a pool into quarantine', () => {
    const bench = new Bench({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.107'])] })
    const outcomes = [0, 1, 2].map(index => {
      const mac = macFromBytes(Uint8Array.of(0x52, 0x54, 0, 0, 0, index))!
      bench.lease(`10.77.0.10${index}`, mac)
      return bench.outcome(dhcp('decline', { mac, server: OURS, wants: `10.77.0.10${index}` }))
    })
    expect(outcomes).toEqual([
      'silence declined 10.77.0.100',
      'silence declined 10.77.0.101',
      'silence decline-storm 10.77.0.102',
    ])
  })

  test('E03 the pool that loses the address counts, whatever relay agent the message names', () => {
    const [near, far] = [
      subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.107']),
      subnet('10.78.0.0/24', ['10.78.0.100-10.78.0.107'], { relays: [ip('10.78.0.1')] }),
    ]
    const bench = new Bench({ subnets: [near, far] })
    const outcomes = [0, 1, 2].map(index => {
      const mac = macFromBytes(Uint8Array.of(0x52, 0x54, 0, 0, 0, index))!
      bench.lease(`10.77.0.10${index}`, mac)
      return bench.outcome(dhcp('decline', { mac, server: OURS, wants: `10.77.0.10${index}`, giaddr: '10.78.0.1' }))
    })
    expect(outcomes).toEqual([
      'silence declined 10.77.0.100',
      'silence declined 10.77.0.101',
      'silence decline-storm 10.77.0.102',
    ])
  })

  test('E03 T17 a flood of invented MACs that take, decline and ask again: three quarters of a pool stay, and a listed machine is served', () => {
    const bench = new Bench({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.179'])] })
    bench.fleet.listed.add(NODE1)
    const said = new Set<string>()
    for (let index = 0; index < 2000; index += 1) {
      bench.now += 10
      const mac = macFromBytes(Uint8Array.of(0x52, 0x54, 0, 0, index >>> 8, index))!
      const decision = bench.decide(dhcp('discover', { mac, xid: index }))
      if (decision.do === 'silence') continue
      const wants = decision.message.yiaddr
      // Nineteen of twenty only ask.
      if (index % 20 !== 0) continue
      bench.outcome(dhcp('request', { mac, xid: index, server: OURS, wants }))
      said.add(bench.outcome(dhcp('decline', { mac, server: OURS, wants })).split(' ')[1]!)
      bench.outcome(dhcp('release', { mac, ciaddr: wants }))
    }
    expect([...said]).toEqual(['declined', 'decline-storm'])
    expect(bench.table.counts(bench.now, []).map(({ leases }) => leases.quarantined)).toEqual([20])
    const { address } = bench.reply(dhcp('discover'))
    expect(bench.outcome(dhcp('request', { server: OURS, wants: address! }))).toBe(`ack selected ${address}`)
  })

  test('a reserved address in quarantine is replaced by one of the pool meanwhile', () => {
    const bench = new Bench()
    bench.fleet.reservations.set(NODE1, ip('10.77.0.11'))
    bench.lease('10.77.0.11', NODE1)
    bench.silence(dhcp('decline', { server: OURS, wants: '10.77.0.11' }))
    expect(bench.outcome(dhcp('discover'))).toBe('offer from-pool 10.77.0.100')
    bench.now += QUARANTINE_MS
    expect(bench.outcome(dhcp('discover'))).toBe('offer reservation 10.77.0.11')
  })
})

describe('release', () => {
  test('E06 the address is free and the record is kept for reuse, E05 without a reply', () => {
    const bench = new Bench()
    bench.lease('10.77.0.102', NODE1)
    bench.now += 1000
    expect(bench.outcome(dhcp('release', { server: OURS, ciaddr: '10.77.0.102' }))).toBe('silence released 10.77.0.102')
    expect(bench.table.at(ip('10.77.0.102'))).toMatchObject({ state: 'released', mac: NODE1, expiresAt: START + 1000 })
    expect(bench.outcome(dhcp('discover', { mac: NODE2, wants: '10.77.0.102' }))).toBe(
      'offer requested-address 10.77.0.102',
    )
  })

  test('E06 who gave it back gets it again', () => {
    const bench = new Bench()
    bench.lease('10.77.0.102', NODE1)
    bench.silence(dhcp('release', { ciaddr: '10.77.0.102' }))
    expect(bench.outcome(dhcp('discover'))).toBe('offer previous-lease 10.77.0.102')
  })

  test.each<[string, Said, string]>([
    ['E06 another machine', { mac: NODE2, ciaddr: '10.77.0.102' }, 'silence release-refused'],
    ['E07 a foreign client identifier', { clientId: B, ciaddr: '10.77.0.102' }, 'silence release-refused'],
    ['an address that is not leased', { clientId: A, ciaddr: '10.77.0.103' }, 'silence release-refused'],
    ['another server is meant', { clientId: A, ciaddr: '10.77.0.102', server: '10.77.0.9' }, 'silence foreign-server'],
    [
      'E07 the same client identifier from another NIC',
      { mac: NODE2, clientId: A, ciaddr: '10.77.0.102' },
      'silence released 10.77.0.102',
    ],
    ['no client identifier, but the MAC', { ciaddr: '10.77.0.102' }, 'silence released 10.77.0.102'],
  ])('%s', (_, said, outcome) => {
    const bench = new Bench()
    bench.lease('10.77.0.102', NODE1, { clientId: '01aa' })
    expect(bench.outcome(dhcp('release', said))).toBe(outcome)
    expect(bench.table.at(ip('10.77.0.102'))?.state).toBe(outcome.includes('released') ? 'released' : 'bound')
  })
})

describe('inform', () => {
  test('E08 a machine with an address of its own gets settings and no lease', () => {
    const bench = new Bench()
    const reply = bench.reply(dhcp('inform', { ciaddr: '10.77.0.50' }))
    expect([reply.type, reply.reason, reply.message.yiaddr, reply.message.ciaddr]).toEqual([
      'ack',
      'informed',
      '0.0.0.0',
      '10.77.0.50',
    ])
    expect(codes(reply.message)).toEqual([53, 54, 1, 3, 6, 15])
    expect(reply.changes).toEqual([])
    expect(bench.table.all()).toEqual([])
  })

  test('E08 the lease of that machine is untouched', () => {
    const bench = new Bench()
    const lease = bench.lease('10.77.0.100', NODE1)
    bench.now += 1000
    bench.reply(dhcp('inform', { ciaddr: '10.77.0.100' }))
    expect(bench.table.all()).toEqual([lease])
  })

  test.each(['inform', 'discover'] as const)('nothing is sent to an address of no network of the site: %s', type => {
    expect(new Bench().outcome(dhcp(type, { ciaddr: '192.0.2.9' }))).toBe('silence foreign-network')
  })

  test('E09 without an address and without a relay agent there is nobody to answer', () => {
    expect(new Bench().outcome(dhcp('inform'))).toBe('silence inform-without-address')
  })
})
