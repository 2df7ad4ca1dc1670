import { describe, expect, test } from 'vitest'
import { EXPIRY_GRACE_MS } from '../../services/dhcp/lease-table.ts'
import { MAX_OFFER_HOLDS, OFFER_HOLD_MS } from '../../services/dhcp/offers.ts'
import { macFromBytes } from '../../services/kit/mac.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { BIOS, dhcp, ip, NODE1, NODE2, NODE3, type Said } from './messages.ts'
import { Bench, RACK, START, subnet } from './rig.ts'

const HOUR = 3_600_000

function numberedMac(index: number): Mac {
  return macFromBytes(Uint8Array.of(0x52, 0x54, 0, index >>> 16, index >>> 8, index))!
}

describe('which address', () => {
  test.each<[string, (bench: Bench) => void, Said, string]>([
    ['C01 a new machine gets the first free address', () => {}, {}, 'offer from-pool 10.77.0.100'],
    [
      'C01 its current lease before what it asks for',
      b => b.lease('10.77.0.102', NODE1),
      { wants: '10.77.0.101' },
      'offer current-lease 10.77.0.102',
    ],
    [
      'C01 its previous address if nobody has it',
      b => b.lease('10.77.0.102', NODE1, { state: 'released', expiresAt: START }),
      { wants: '10.77.0.101' },
      'offer previous-lease 10.77.0.102',
    ],
    [
      'C01 its previous address was given to another machine',
      b => {
        b.lease('10.77.0.102', NODE1, { state: 'released', expiresAt: START })
        b.lease('10.77.0.102', NODE2)
      },
      {},
      'offer from-pool 10.77.0.100',
    ],
    ['C01 the address it asks for, if free', () => {}, { wants: '10.77.0.101' }, 'offer requested-address 10.77.0.101'],
    [
      'C01 not if it is taken',
      b => b.lease('10.77.0.101', NODE2),
      { wants: '10.77.0.101' },
      'offer from-pool 10.77.0.100',
    ],
    ['C01 not if it is in no pool', () => {}, { wants: '10.77.0.50' }, 'offer from-pool 10.77.0.100'],
    ['C01 not if it is of another network', () => {}, { wants: '192.168.1.9' }, 'offer from-pool 10.77.0.100'],
    [
      'C02 a reservation precedes the current lease',
      b => {
        b.lease('10.77.0.102', NODE1)
        b.fleet.reservations.set(NODE1, ip('10.77.0.11'))
      },
      {},
      'offer reservation 10.77.0.11',
    ],
    [
      'C02 an address reserved for another machine is not offered',
      b => b.fleet.reservations.set(NODE2, ip('10.77.0.100')),
      {},
      'offer from-pool 10.77.0.101',
    ],
    [
      'C02 nor where it is asked for, or was once leased',
      b => {
        b.lease('10.77.0.102', NODE1)
        b.fleet.reservations.set(NODE2, ip('10.77.0.102'))
      },
      { wants: '10.77.0.102' },
      'offer from-pool 10.77.0.100',
    ],
    [
      'a reservation that another machine still uses waits its turn',
      b => {
        b.lease('10.77.0.11', NODE2)
        b.fleet.reservations.set(NODE1, ip('10.77.0.11'))
      },
      {},
      'offer from-pool 10.77.0.100',
    ],
    [
      'C14 a reservation of the router’s address is not honoured',
      b => b.fleet.reservations.set(NODE1, ip('10.77.0.254')),
      {},
      'offer from-pool 10.77.0.100',
    ],
    [
      'C11 a reservation by MAC covers every client identifier',
      b => b.fleet.reservations.set(NODE1, ip('10.77.0.11')),
      { clientId: Uint8Array.of(255, 1, 2, 3, 4) },
      'offer reservation 10.77.0.11',
    ],
    ['C15 rapid commit is ignored', () => {}, { options: [[80, new Uint8Array()]] }, 'offer from-pool 10.77.0.100'],
  ])('%s', (_, prepare, said, outcome) => {
    const bench = new Bench()
    prepare(bench)
    expect(bench.outcome(dhcp('discover', said))).toBe(outcome)
  })

  test('C14 network, broadcast, router’s and our own address are never offered', () => {
    const tight = subnet('10.77.0.0/29', ['10.77.0.0-10.77.0.7'], { router: ip('10.77.0.6') })
    const bench = new Bench({ subnets: [tight] })
    const offers = [1, 2, 3, 4, 5].map(index => bench.outcome(dhcp('discover', { mac: numberedMac(index) })))
    expect(offers).toEqual([
      'offer from-pool 10.77.0.2',
      'offer from-pool 10.77.0.3',
      'offer from-pool 10.77.0.4',
      'offer from-pool 10.77.0.5',
      'offer offered-again 10.77.0.2',
    ])
    expect(
      ['10.77.0.0', '10.77.0.1', '10.77.0.6', '10.77.0.7'].map(wants => bench.outcome(dhcp('request', { wants }))),
    ).toEqual([
      'nak wrong-network 10.77.0.0',
      'nak wrong-network 10.77.0.1',
      'nak wrong-network 10.77.0.6',
      'nak wrong-network 10.77.0.7',
    ])
  })

  test('C11 firmware, iPXE, installer and system get one address with their different client identifiers', () => {
    const bench = new Bench()
    const stages: Said[] = [
      BIOS,
      { ...BIOS, userClass: 'iPXE', clientId: Uint8Array.of(1, 0xbc, 0x24, 0x11, 0xab, 0x12, 0x21) },
      { asks: [1, 3, 6, 250, 251] },
      { clientId: Uint8Array.of(255, 0x11, 0xab, 0x12, 0x21, 0, 1, 0, 1, 9, 9, 9, 9) },
    ]
    const seen = stages.flatMap((said, stage) => {
      const xid = stage + 1
      const { yiaddr } = bench.reply(dhcp('discover', { ...said, xid })).message
      return [yiaddr, bench.outcome(dhcp('request', { ...said, xid, wants: yiaddr, server: '10.77.0.1' }))]
    })
    expect(seen).toEqual(Array.from({ length: 4 }, () => ['10.77.0.100', 'ack selected 10.77.0.100']).flat())
    expect(bench.table.all()).toHaveLength(1)
  })
})

describe('offers', () => {
  test('C05 the same machine repeating DISCOVER gets the same address', () => {
    const bench = new Bench()
    expect([1, 2, 3].map(xid => bench.outcome(dhcp('discover', { xid })))).toEqual([
      'offer from-pool 10.77.0.100',
      'offer repeated-discover 10.77.0.100',
      'offer repeated-discover 10.77.0.100',
    ])
  })

  test('C06 machines in the same instant get different offers', () => {
    const bench = new Bench()
    expect([NODE1, NODE2, NODE3].map(mac => bench.reply(dhcp('discover', { mac })).address)).toEqual([
      '10.77.0.100',
      '10.77.0.101',
      '10.77.0.102',
    ])
  })

  test('C07 an offer nobody took returns to the pool', () => {
    const bench = new Bench({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.100'])] })
    bench.reply(dhcp('discover', { mac: NODE1 }))
    bench.now += OFFER_HOLD_MS - 1
    expect(bench.outcome(dhcp('discover', { mac: NODE2 }))).toBe('offer offered-again 10.77.0.100')
    bench.now += OFFER_HOLD_MS
    expect(bench.outcome(dhcp('discover', { mac: NODE3 }))).toBe('offer from-pool 10.77.0.100')
  })

  describe('nothing is free but what was offered', () => {
    const ONE = subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.100'])
    const ask = (mac: Mac) => dhcp('request', { mac, server: '10.77.0.1', wants: '10.77.0.100' })
    const discover = (mac: Mac) => dhcp('discover', { mac })

    test('two strangers are offered one address: who asks first has it, the other hears no and finds the pool full', () => {
      const bench = new Bench({ subnets: [ONE] })
      const said = [discover(NODE1), discover(NODE2), discover(NODE1), ask(NODE1), ask(NODE2), discover(NODE2)]
      expect(said.map(message => bench.outcome(message))).toEqual([
        'offer from-pool 10.77.0.100',
        'offer offered-again 10.77.0.100',
        'offer repeated-discover 10.77.0.100',
        'ack selected 10.77.0.100',
        'nak address-taken 10.77.0.100',
        'silence pool-exhausted',
      ])
      // Whose lease it is now answers a probe that its offer may still wait for: that is no conflict.
      expect(bench.table.heldBy(NODE2, bench.now)).toBeUndefined()
    })

    test.each<[string, (bench: Bench) => void]>([
      ['that the site lists', b => b.fleet.listed.add(NODE2)],
      ['that gave an address back', b => b.lease('10.77.0.99', NODE2, { state: 'released', expiresAt: START })],
    ])('a machine %s is promised it: nobody else may ask for it or is offered it any more', (_, prepare) => {
      const bench = new Bench({ subnets: [ONE] })
      prepare(bench)
      const said = [discover(NODE1), discover(NODE2), ask(NODE1), discover(NODE1), discover(NODE3), ask(NODE2)]
      expect(said.map(message => bench.outcome(message))).toEqual([
        'offer from-pool 10.77.0.100',
        'offer offered-again 10.77.0.100',
        'nak address-taken 10.77.0.100',
        'silence pool-exhausted',
        'silence pool-exhausted',
        'ack selected 10.77.0.100',
      ])
    })

    test('not what somebody has asked for and is being written', () => {
      const bench = new Bench({ subnets: [ONE] })
      bench.fleet.listed.add(NODE2)
      bench.outcome(discover(NODE1))
      bench.table.begin(ip('10.77.0.100'), NODE1, 1)
      expect([NODE2, NODE3].map(mac => bench.outcome(discover(mac)))).toEqual([
        'silence pool-exhausted',
        'silence pool-exhausted',
      ])
    })

    test('a machine that uses the address of a lost record keeps it, whoever was offered it', () => {
      const bench = new Bench({ subnets: [ONE] })
      bench.outcome(discover(NODE1))
      expect(bench.outcome(dhcp('request', { mac: NODE2, ciaddr: '10.77.0.100' }))).toBe('ack adopted 10.77.0.100')
      expect(bench.outcome(ask(NODE1))).toBe('nak address-taken 10.77.0.100')
    })

    test('the one that was offered longest ago comes first, and one that a stranger may not have is left out', () => {
      const bench = new Bench({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.102'])] })
      for (const mac of [numberedMac(1), numberedMac(2), numberedMac(3)]) bench.outcome(discover(mac))
      bench.fleet.reservations.set(NODE3, ip('10.77.0.101'))
      expect([NODE1, NODE2, numberedMac(4)].map(mac => bench.reply(discover(mac)).address)).toEqual([
        '10.77.0.100',
        '10.77.0.102',
        '10.77.0.100',
      ])
      expect(bench.outcome(discover(NODE3))).toBe('offer reservation 10.77.0.101')
    })
  })

  test('C04 a full pool is silence, also for a big pool and at once', () => {
    const big = subnet('10.64.0.0/12', ['10.77.0.100-10.78.255.254'])
    const bench = new Bench({ subnets: [big] })
    const size = 2 * 65_536 - 100 - 1
    for (let i = 0; i < size; i += 1) bench.lease(address(i), numberedMac(i))
    expect(bench.outcome(dhcp('discover', { mac: numberedMac(size + 1) }))).toBe('silence pool-exhausted')
    const times = Array.from({ length: 20 }, (_, i) => {
      const started = process.hrtime.bigint()
      bench.silence(dhcp('discover', { mac: numberedMac(size + 2 + i) }))
      return Number(process.hrtime.bigint() - started)
    })
    // The quickest of many, since others use this machine too; a walk over the pool would take longer every time.
    expect(Math.min(...times)).toBeLessThan(1_000_000)
  })

  test('C04 of ten thousand that were leased once and are offered now, one is found at once', () => {
    const count = 10_000
    const bench = new Bench({ subnets: [subnet('10.64.0.0/12', ['10.77.0.100-10.77.39.115'])] })
    for (let i = 0; i < count; i += 1) bench.lease(address(i), numberedMac(i), { expiresAt: START + 1 })
    bench.now += HOUR
    for (let i = 0; i < count; i += 1) bench.reply(dhcp('discover', { mac: numberedMac(count + i) }))
    const times = Array.from({ length: 20 }, (_, i) => {
      const started = process.hrtime.bigint()
      expect(bench.reply(dhcp('discover', { mac: numberedMac(2 * count + i) })).reason).toBe('offered-again')
      return Number(process.hrtime.bigint() - started)
    })
    expect(Math.min(...times)).toBeLessThan(500_000)
  })

  test('C13 a flood of random MACs keeps a bounded number of offers', () => {
    const bench = new Bench({ subnets: [subnet('10.64.0.0/12', ['10.77.0.100-10.78.255.254'])] })
    for (let i = 0; i < MAX_OFFER_HOLDS + 500; i += 1) bench.reply(dhcp('discover', { mac: numberedMac(i) }))
    expect(bench.table.holdCount).toBe(MAX_OFFER_HOLDS)
  })

  test('a flood does not take a leaseholder’s or a reserved address', () => {
    const bench = new Bench()
    bench.lease('10.77.0.101', NODE1)
    bench.fleet.reservations.set(NODE2, ip('10.77.0.102'))
    for (let i = 0; i < 50; i += 1) bench.decide(dhcp('discover', { mac: numberedMac(i) }))
    expect(bench.outcome(dhcp('discover', { mac: NODE1 }))).toBe('offer current-lease 10.77.0.101')
    expect(bench.outcome(dhcp('discover', { mac: NODE2 }))).toBe('offer reservation 10.77.0.102')
  })
})

describe('reuse', () => {
  const ONE = subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.101'])

  test('E10 a record survives its end until the address is needed', () => {
    const bench = new Bench({ subnets: [ONE] })
    bench.lease('10.77.0.100', NODE1)
    bench.now += 2 * HOUR
    expect(bench.outcome(dhcp('discover', { mac: NODE2 }))).toBe('offer from-pool 10.77.0.101')
    expect(bench.outcome(dhcp('discover', { mac: NODE1 }))).toBe('offer previous-lease 10.77.0.100')
  })

  test('an expired address is given away only after its grace, longest expired first', () => {
    const bench = new Bench({ subnets: [ONE] })
    bench.lease('10.77.0.101', NODE2)
    bench.now += 1000
    bench.lease('10.77.0.100', NODE1)
    bench.now = START + HOUR + EXPIRY_GRACE_MS - 1
    expect(bench.outcome(dhcp('discover', { mac: NODE3 }))).toBe('silence pool-exhausted')
    bench.now += 1
    expect(bench.outcome(dhcp('discover', { mac: NODE3 }))).toBe('offer from-pool 10.77.0.101')
  })

  test('an address that was given back is used before one that expired', () => {
    const bench = new Bench({ subnets: [ONE] })
    bench.lease('10.77.0.100', NODE1, { expiresAt: START + 1 })
    bench.lease('10.77.0.101', NODE2, { state: 'released', expiresAt: START })
    bench.now += HOUR
    expect(bench.outcome(dhcp('discover', { mac: NODE3 }))).toBe('offer from-pool 10.77.0.101')
  })
})

describe('silence', () => {
  test.each<[string, (bench: Bench) => void, Said, string]>([
    [
      'C16 a blocked machine',
      b => b.fleet.plans.set(NODE1, { do: 'silence', reason: 'blocked' }),
      {},
      'silence blocked',
    ],
    ['an ignored machine', b => b.fleet.plans.set(NODE1, { do: 'silence', reason: 'ignored' }), {}, 'silence ignored'],
    ['G07 a relay agent that the site does not name', () => {}, { giaddr: '10.1.0.1' }, 'silence unknown-relay'],
    ['G08 a message that went in a circle', () => {}, { hops: 17 }, 'silence too-many-hops'],
  ])('%s', (_, prepare, said, outcome) => {
    const bench = new Bench()
    prepare(bench)
    expect(bench.outcome(dhcp('discover', said))).toBe(outcome)
    expect(bench.table.holdCount).toBe(0)
  })

  test('C03 no subnet for the interface', () => {
    expect(new Bench({ subnets: [subnet('10.9.0.0/24', ['10.9.0.2-10.9.0.9'])] }).outcome(dhcp('discover'))).toBe(
      'silence no-subnet',
    )
  })

  test('A03 a reply, a plain BOOTP request, a type of servers, an unknown type', () => {
    const bench = new Bench()
    const withType = (value: Uint8Array) => dhcp('discover', { options: [[53, value]] })
    expect(bench.outcome({ ...dhcp('discover'), op: 'reply' })).toBe('silence not-a-request')
    expect(bench.outcome({ ...dhcp('discover'), options: new Map() })).toBe('silence no-message-type')
    expect(bench.outcome(withType(Uint8Array.of(13)))).toBe('silence no-message-type')
    expect(bench.outcome(dhcp('offer'))).toBe('silence unexpected-type')
    expect(bench.outcome({ ...dhcp('discover'), chaddr: new Uint8Array(6) })).toBe('silence no-hardware-address')
  })

  test('a blocked machine’s request and inform are silence too', () => {
    const bench = new Bench()
    bench.lease('10.77.0.100', NODE1)
    bench.fleet.plans.set(NODE1, { do: 'silence', reason: 'blocked' })
    expect(bench.outcome(dhcp('request', { ciaddr: '10.77.0.100' }))).toBe('silence blocked')
    expect(bench.outcome(dhcp('inform', { ciaddr: '10.77.0.100' }))).toBe('silence blocked')
  })
})

describe('subnets', () => {
  const FAR = subnet('10.1.0.0/24', ['10.1.0.10-10.1.0.20'], { relays: [ip('10.1.0.1'), ip('10.1.0.2')] })

  test('a relayed machine gets an address of its own subnet, G02 whatever option 82 says', () => {
    const bench = new Bench({ subnets: [RACK, FAR] })
    expect(bench.outcome(dhcp('discover', { giaddr: '10.1.0.2' }))).toBe('offer from-pool 10.1.0.10')
    const linkSelection: [number, Uint8Array][] = [[82, Uint8Array.of(5, 4, 10, 1, 0, 1)]]
    expect(bench.outcome(dhcp('discover', { mac: NODE2, options: linkSelection }))).toBe('offer from-pool 10.77.0.100')
  })

  test('a relay agent of several subnets means the one around its address', () => {
    const also = subnet('10.2.0.0/24', ['10.2.0.10-10.2.0.20'], { relays: [ip('10.1.0.1'), ip('10.2.0.1')] })
    const bench = new Bench({ subnets: [RACK, also, FAR] })
    expect(bench.outcome(dhcp('discover', { giaddr: '10.1.0.1' }))).toBe('offer from-pool 10.1.0.10')
  })

  test('a machine moved to another subnet gets an address there', () => {
    const bench = new Bench({ subnets: [RACK, FAR] })
    bench.lease('10.77.0.102', NODE1)
    expect(bench.outcome(dhcp('discover', { giaddr: '10.1.0.1' }))).toBe('offer from-pool 10.1.0.10')
  })

  test('a reservation of another subnet is not offered there', () => {
    const bench = new Bench({ subnets: [RACK, FAR] })
    bench.fleet.reservations.set(NODE1, ip('10.77.0.11'))
    expect(bench.outcome(dhcp('discover', { giaddr: '10.1.0.1' }))).toBe('offer from-pool 10.1.0.10')
  })
})

const POOL_START = 0x0a4d0064

function address(index: number) {
  const value = POOL_START + index
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.')
}
