import { describe, expect, test } from 'vitest'
import { OFFER_HOLD_MS } from '../../services/dhcp/offers.ts'
import { dhcp, hex, ip, NODE1, NODE2, type Said } from './messages.ts'
import { Bench, RACK, server, START, subnet } from './rig.ts'

const OURS = '10.77.0.1'
const HOUR = 3_600_000
type Row = [string, (bench: Bench) => void, Said, string]

function run(rows: Row[], authoritative = true): void {
  test.each<Row>(rows)('%s', (_, prepare, said, outcome) => {
    const bench = new Bench({ authoritative })
    prepare(bench)
    expect(bench.outcome(dhcp('request', said))).toBe(outcome)
  })
}

describe('selecting', () => {
  run([
    [
      'D01 D03 a machine takes its offer',
      b => b.reply(dhcp('discover')),
      { server: OURS, wants: '10.77.0.100' },
      'ack selected 10.77.0.100',
    ],
    [
      'D01 a machine takes an offer that we made before a restart',
      () => {},
      { server: OURS, wants: '10.77.0.102' },
      'ack selected 10.77.0.102',
    ],
    [
      'D02 a machine takes another server’s offer',
      () => {},
      { server: '10.77.0.9', wants: '10.77.0.100' },
      'silence foreign-server',
    ],
    [
      'D04 the address is leased to another machine',
      b => b.lease('10.77.0.100', NODE2),
      { server: OURS, wants: '10.77.0.100' },
      'nak address-taken 10.77.0.100',
    ],
    [
      'D04 the address is offered to another machine',
      b => b.reply(dhcp('discover', { mac: NODE2 })),
      { server: OURS, wants: '10.77.0.100' },
      'nak address-taken 10.77.0.100',
    ],
    [
      'D14 the address is reserved for another machine',
      b => b.fleet.reservations.set(NODE2, ip('10.77.0.100')),
      { server: OURS, wants: '10.77.0.100' },
      'nak reserved-for-another 10.77.0.100',
    ],
    ['the address is in no pool', () => {}, { server: OURS, wants: '10.77.0.50' }, 'nak outside-pools 10.77.0.50'],
    ['the request names no address', () => {}, { server: OURS }, 'nak no-address-requested'],
    ['the request names the zero address', () => {}, { server: OURS, wants: '0.0.0.0' }, 'nak no-address-requested'],
  ])

  test('D01 the lease is recorded, and the hold is gone', () => {
    const bench = new Bench()
    bench.reply(dhcp('discover'))
    const reply = bench.reply(dhcp('request', { server: OURS, wants: '10.77.0.100', clientId: Uint8Array.of(0, 0xab) }))
    expect(reply.changes).toEqual([
      {
        change: 'put',
        record: {
          address: '10.77.0.100',
          mac: NODE1,
          clientId: '00ab',
          state: 'bound',
          boundAt: START,
          expiresAt: START + HOUR,
        },
      },
    ])
    expect(bench.table.holdCount).toBe(0)
  })

  test('D02 choosing another server frees our offer at once', () => {
    const bench = new Bench()
    bench.reply(dhcp('discover', { mac: NODE1 }))
    bench.silence(dhcp('request', { mac: NODE1, server: '10.77.0.9', wants: '10.77.0.100' }))
    expect(bench.outcome(dhcp('discover', { mac: NODE2 }))).toBe('offer from-pool 10.77.0.100')
  })

  test('D15 a retransmitted request gets the identical ACK and one record', () => {
    const bench = new Bench()
    bench.reply(dhcp('discover'))
    const request = dhcp('request', { server: OURS, wants: '10.77.0.100' })
    const first = bench.reply(request)
    bench.now += 4000
    const second = bench.reply(request)
    expect(second.message).toEqual(first.message)
    expect([second.reason, second.changes]).toEqual(['repeated', []])
    bench.now += 6000
    expect(bench.outcome(request)).toBe('ack selected 10.77.0.100')
  })

  test('a request that is repeated after a reload made leases longer is not told more than is written', () => {
    const bench = new Bench()
    const request = dhcp('request', { server: OURS, wants: '10.77.0.100' })
    bench.reply(request)
    bench.now += 4000
    bench.view.server = server({ leaseSeconds: 86_400 })
    const { message, reason } = bench.reply(request)
    expect([hex(message, 51), reason]).toEqual(['00015180', 'selected'])
    expect(bench.table.at(ip('10.77.0.100'))?.expiresAt).toBe(bench.now + 24 * HOUR)
  })

  test('a machine that comes to a new address gives its old one back', () => {
    const bench = new Bench()
    bench.lease('10.77.0.103', NODE1)
    bench.fleet.reservations.set(NODE1, ip('10.77.0.11'))
    bench.now += 1000
    bench.reply(dhcp('request', { server: OURS, wants: '10.77.0.11' }))
    expect(bench.table.all().map(({ address, state, expiresAt }) => [address, state, expiresAt])).toEqual([
      ['10.77.0.103', 'released', START + 1000],
      ['10.77.0.11', 'bound', START + 1000 + HOUR],
    ])
    expect(bench.table.ofMac(NODE1)?.address).toBe('10.77.0.11')
  })
})

describe('init-reboot', () => {
  run([
    [
      'a machine on record keeps its address',
      b => b.lease('10.77.0.101', NODE1),
      { wants: '10.77.0.101' },
      'ack rebooted 10.77.0.101',
    ],
    [
      'a machine whose lease ended keeps its address if nobody took it',
      b => b.lease('10.77.0.101', NODE1, { expiresAt: START - HOUR }),
      { wants: '10.77.0.101' },
      'ack rebooted 10.77.0.101',
    ],
    [
      'a machine finds its reservation again though no record knows it',
      b => b.fleet.reservations.set(NODE1, ip('10.77.0.11')),
      { wants: '10.77.0.11' },
      'ack rebooted 10.77.0.11',
    ],
    ['D05 a machine from another network', () => {}, { wants: '192.168.1.9' }, 'nak wrong-network 192.168.1.9'],
    [
      'D06 an unknown machine where we are authoritative',
      () => {},
      { wants: '10.77.0.101' },
      'nak no-record 10.77.0.101',
    ],
    [
      'D07 a machine with another address on record',
      b => b.lease('10.77.0.101', NODE1),
      { wants: '10.77.0.102' },
      'nak other-address 10.77.0.102',
    ],
    [
      'D07 a machine that has been given a reservation since',
      b => {
        b.lease('10.77.0.101', NODE1)
        b.fleet.reservations.set(NODE1, ip('10.77.0.11'))
      },
      { wants: '10.77.0.101' },
      'nak other-address 10.77.0.101',
    ],
    ['D08 no address is named', b => b.lease('10.77.0.101', NODE1), {}, 'nak no-address-requested'],
    [
      'the address was given to another machine meanwhile',
      b => b.lease('10.77.0.101', NODE2),
      { wants: '10.77.0.101' },
      'nak address-taken 10.77.0.101',
    ],
  ])

  describe('where another server may be authoritative', () => {
    run(
      [
        ['D06 an unknown machine hears nothing', () => {}, { wants: '10.77.0.101' }, 'silence unknown-client'],
        ['D05 nor does one from another network', () => {}, { wants: '192.168.1.9' }, 'silence unknown-client'],
        ['D08 nor one that names no address', () => {}, {}, 'silence unknown-client'],
        [
          'D07 a machine on record is told no',
          b => b.lease('10.77.0.101', NODE1),
          { wants: '10.77.0.102' },
          'nak other-address 10.77.0.102',
        ],
        [
          'D05 a machine on record from another network is told no',
          b => b.lease('10.77.0.101', NODE1),
          { wants: '192.168.1.9' },
          'nak wrong-network 192.168.1.9',
        ],
      ],
      false,
    )
  })
})

describe('renewing and rebinding', () => {
  run([
    [
      'D09 D10 the leaseholder goes on',
      b => b.lease('10.77.0.101', NODE1),
      { ciaddr: '10.77.0.101' },
      'ack renewed 10.77.0.101',
    ],
    [
      'D11 another address than the recorded one',
      b => b.lease('10.77.0.101', NODE1),
      { ciaddr: '10.77.0.102' },
      'nak other-address 10.77.0.102',
    ],
    [
      'D14 the address is now reserved for another machine',
      b => {
        b.lease('10.77.0.101', NODE1)
        b.fleet.reservations.set(NODE2, ip('10.77.0.101'))
      },
      { ciaddr: '10.77.0.101' },
      'nak reserved-for-another 10.77.0.101',
    ],
    [
      'D16 another machine on a leased address',
      b => b.lease('10.77.0.101', NODE2),
      { ciaddr: '10.77.0.101' },
      'nak address-taken 10.77.0.101',
    ],
    [
      'a machine that no record knows keeps what it uses',
      () => {},
      { ciaddr: '10.77.0.101' },
      'ack adopted 10.77.0.101',
    ],
    ['but not outside the pools', () => {}, { ciaddr: '10.77.0.50' }, 'nak outside-pools 10.77.0.50'],
    ['nor of another network', () => {}, { ciaddr: '192.168.1.9' }, 'nak wrong-network 192.168.1.9'],
    [
      'a machine in the middle of an installation is not driven to its new reservation',
      b => {
        b.lease('10.77.0.101', NODE1)
        b.fleet.reservations.set(NODE1, ip('10.77.0.11'))
      },
      { ciaddr: '10.77.0.101' },
      'ack renewed 10.77.0.101',
    ],
  ])

  describe('where another server may be authoritative', () => {
    run(
      [['D10 an unknown machine hears nothing', () => {}, { ciaddr: '10.77.0.101' }, 'silence unknown-client']],
      false,
    )
  })

  test('D16 the other machine’s lease is not extended', () => {
    const bench = new Bench()
    const lease = bench.lease('10.77.0.101', NODE2)
    bench.now += 1000
    bench.reply(dhcp('request', { ciaddr: '10.77.0.101' }))
    expect(bench.table.at(ip('10.77.0.101'))).toEqual(lease)
  })

  test('D09 a renewed lease runs its whole length from now', () => {
    const bench = new Bench()
    bench.lease('10.77.0.101', NODE1)
    bench.now += 1_800_000
    const reply = bench.reply(dhcp('request', { ciaddr: '10.77.0.101', xid: 9 }))
    expect(hex(reply.message, 51)).toBe('00000e10')
    expect(bench.table.at(ip('10.77.0.101'))?.expiresAt).toBe(START + 1_800_000 + HOUR)
  })

  test('a machine renews across a router: its address tells the subnet', () => {
    const far = subnet('10.1.0.0/24', ['10.1.0.10-10.1.0.20'], { relays: [ip('10.1.0.1')] })
    const bench = new Bench({ subnets: [RACK, far] })
    bench.lease('10.1.0.10', NODE1)
    expect(bench.outcome(dhcp('request', { ciaddr: '10.1.0.10' }))).toBe('ack renewed 10.1.0.10')
  })
})

test('C07 a machine that takes its offer too late is refused if another took it', () => {
  const bench = new Bench({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.100'])] })
  bench.reply(dhcp('discover', { mac: NODE1 }))
  bench.now += OFFER_HOLD_MS
  bench.reply(dhcp('discover', { mac: NODE2 }))
  expect(bench.outcome(dhcp('request', { mac: NODE1, server: OURS, wants: '10.77.0.100' }))).toBe(
    'nak address-taken 10.77.0.100',
  )
})
