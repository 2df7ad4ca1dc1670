/** The server on a fake LAN: what machines hear, what is written before they hear it, what the log says. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { OFFER_HOLD_MS } from '../../services/dhcp/offers.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { messageTypeOf } from '../../services/dhcp/options.ts'
import { type ServedDhcp, startDhcp } from '../../services/dhcp/server.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { BIOS, dhcp, ip, IPXE, mac, NODE1, NODE2, type Said, text } from './messages.ts'
import { listeningLog, MemoryStore, RACK, START, TestFleet } from './rig.ts'

const OURS = '10.77.0.1'
const ANY = ip('0.0.0.0')

async function lab(more: Partial<ServedDhcp> = {}, store = new MemoryStore(), mtu = 1500) {
  const lan = new FakeLan({ eth1: OURS })
  const clock = new FakeClock(START)
  const fleet = new TestFleet()
  const log = listeningLog()
  const served: ServedDhcp = {
    mode: 'server',
    leaseSeconds: 3600,
    authoritative: true,
    subnetSelection: false,
    subnets: [RACK],
    ...more,
  }
  const network = { interface: 'eth1', address: ip(OURS), prefix: RACK.prefix }
  const site = { domain: 'rack7.example.org', network, dhcp: served }
  const port = await lan.open({ device: 'eth1', address: ANY, port: 67 })
  const server = await startDhcp({ port, site, httpPort: 80, mtu, store, fleet, clock, log })
  const wire = await lan.open({ device: 'machine', address: ANY, port: 68 })
  const heard: DhcpMessage[] = []
  wire.onDatagram(({ bytes }) => {
    const message = decode(bytes)
    if (!isMalformed(message)) heard.push(message)
  })
  return {
    lan,
    clock,
    fleet,
    log,
    store,
    server,
    heard,
    wire,
    say(message: DhcpMessage) {
      wire.send(encode(message, { maxBytes: 1472 }), { address: ip('255.255.255.255'), port: 67 })
    },
    /** Sends one message and tells what was heard in return. */
    async ask(message: DhcpMessage): Promise<DhcpMessage | undefined> {
      const before = heard.length
      this.say(message)
      await lan.settle()
      return heard[before]
    },
    /** DISCOVER and REQUEST; the address, if it was acknowledged. */
    async boot(said: Said = {}): Promise<string | undefined> {
      const offer = await this.ask(dhcp('discover', said))
      if (!offer) return undefined
      const ack = await this.ask(dhcp('request', { ...said, wants: offer.yiaddr, server: OURS }))
      return ack && messageTypeOf(ack) === 'ack' ? ack.yiaddr : undefined
    },
    reasons: () => log.lines.flatMap(({ reason }) => (reason ? [reason] : [])),
  }
}

test('a machine boots: firmware, iPXE, one address, one durable lease, one log line a message', async () => {
  const it = await lab()
  expect(await it.boot({ ...BIOS, xid: 1 })).toBe('10.77.0.100')
  it.clock.advance(20_000)
  expect(await it.boot({ ...IPXE, xid: 2, clientId: Uint8Array.of(1, 2, 3) })).toBe('10.77.0.100')
  expect(it.heard.map(message => text(message, 67))).toEqual([
    'undionly.kpxe',
    'undionly.kpxe',
    'http://10.77.0.1/boot.ipxe?mac=bc-24-11-ab-12-21',
    'http://10.77.0.1/boot.ipxe?mac=bc-24-11-ab-12-21',
  ])
  expect(it.store.written.map(({ address, clientId }) => [address, clientId])).toEqual([
    ['10.77.0.100', undefined],
    ['10.77.0.100', '010203'],
  ])
  expect(it.log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    'info serving DHCP',
    'info offered 10.77.0.100 and undionly.kpxe to bc:24:11:ab:12:21 (x86-bios firmware by tftp): a free address of the pool',
    'info acknowledged 10.77.0.100 and undionly.kpxe to bc:24:11:ab:12:21 (x86-bios firmware by tftp): the machine took our offer',
    'info offered 10.77.0.100 and its boot script to bc:24:11:ab:12:21 (iPXE on x86-bios): the machine holds this address',
    'info acknowledged 10.77.0.100 and its boot script to bc:24:11:ab:12:21 (iPXE on x86-bios): the machine took our offer',
  ])
  expect(it.fleet.facts.map(({ fact }) => fact)).toEqual(['offered', 'acknowledged', 'offered', 'acknowledged'])
})

test.each([
  ['an interface of 1500 octets', 1500, 1472],
  ['an interface of 1280 octets, as of a tunnel', 1280, 1252],
])('A16 a reply is no longer than what carries it: %s', async (_, mtu, most) => {
  const long = [200, 201, 202, 203, 204, 205].map(code => ({ code, type: 'string', value: 'x'.repeat(250) }) as const)
  const it = await lab({ subnets: [{ ...RACK, options: long }] }, new MemoryStore(), mtu)
  await it.ask(dhcp('discover', { maxSize: 65_280 }))
  const size = it.lan.frames[1]?.bytes.length ?? 0
  expect([size <= most, size > most - 300]).toEqual([true, true])
})

test('F01 F08 replies leave from port 67 of the interface that heard the request', async () => {
  const it = await lab()
  await it.ask(dhcp('discover'))
  const reply = it.lan.frames[1]
  expect([reply?.device, reply?.from, reply?.to]).toEqual([
    'eth1',
    { address: OURS, port: 67 },
    { address: '255.255.255.255', port: 68 },
  ])
})

test('D09 a renewing machine hears its ACK at its own address', async () => {
  const it = await lab()
  const address = await it.boot()
  it.lan.setAddress('machine', ip(address!))
  it.clock.advance(1_800_000)
  it.wire.send(encode(dhcp('request', { ciaddr: address!, xid: 7 }), { maxBytes: 548 }), {
    address: ip(OURS),
    port: 67,
  })
  await it.lan.settle()
  expect(it.lan.frames.at(-1)?.to).toEqual({ address: '10.77.0.100', port: 68 })
  expect(it.heard.at(-1)?.xid).toBe(7)
})

test('nothing secret is in the log: neither answer URL nor fingerprint', async () => {
  const it = await lab()
  it.fleet.plans.set(NODE1, { do: 'answer', url: 'https://10.77.0.1/answer/s3cr3t', fingerprint: 'AB:CD' })
  await it.boot({ asks: [250, 251] })
  expect(text(it.heard[1]!, 250)).toBe('https://10.77.0.1/answer/s3cr3t')
  expect(JSON.stringify(it.log.lines)).not.toMatch(/s3cr3t|AB:CD/)
})

test('H25 an answer URL that does not fit is left out and alarms', async () => {
  const it = await lab()
  it.fleet.plans.set(NODE1, { do: 'answer', url: 'https://10.77.0.1/a&b', fingerprint: 'AB:CD' })
  const offer = await it.ask(dhcp('discover', { asks: [250, 251] }))
  expect([text(offer!, 250), offer?.yiaddr]).toEqual([undefined, '10.77.0.100'])
  expect(it.log.lines.at(-1)).toMatchObject({ level: 'error', reason: 'answer-unfit' })
})

describe('what is durable', () => {
  test('D12 the lease is written before the ACK leaves', async () => {
    const it = await lab()
    await it.ask(dhcp('discover'))
    it.store.holdWrites()
    expect(await it.ask(dhcp('request', { wants: '10.77.0.100', server: OURS }))).toBeUndefined()
    expect(it.server.macAt(ip('10.77.0.100'))).toBeUndefined()
    it.store.letWritesGo()
    await it.lan.settle()
    expect(messageTypeOf(it.heard.at(-1)!)).toBe('ack')
    expect(it.server.macAt(ip('10.77.0.100'))).toBe(NODE1)
  })

  test('D13 I04 a failed write means no ACK, an alarm, and service goes on when it works again', async () => {
    const it = await lab()
    it.store.failure = new Error('ENOSPC')
    expect(await it.boot()).toBeUndefined()
    expect(it.log.lines.at(-1)).toMatchObject({ level: 'error', reason: 'store-failed' })
    expect(it.fleet.facts.at(-1)).toMatchObject({ fact: 'silent', reason: 'store-failed' })
    expect(it.server.leaseOf(NODE1)).toBeUndefined()
    it.store.failure = undefined
    expect(await it.boot({ xid: 2 })).toBe('10.77.0.100')
  })

  test('D15 a request repeated while it is written makes one record and one ACK', async () => {
    const it = await lab()
    await it.ask(dhcp('discover'))
    it.store.holdWrites()
    const request = dhcp('request', { wants: '10.77.0.100', server: OURS })
    await it.ask(request)
    await it.ask(request)
    it.store.letWritesGo()
    await it.lan.settle()
    expect([it.store.written.length, it.heard.length]).toEqual([1, 2])
    expect(it.reasons().slice(-2)).toEqual(['ack-pending', 'selected'])
  })

  test('an address that is being written is nobody else’s, even when its offer has expired', async () => {
    const it = await lab()
    await it.ask(dhcp('discover', { mac: NODE1 }))
    it.store.holdWrites()
    await it.ask(dhcp('request', { mac: NODE1, wants: '10.77.0.100', server: OURS }))
    it.clock.advance(OFFER_HOLD_MS)
    const other = await it.ask(dhcp('discover', { mac: NODE2, wants: '10.77.0.100' }))
    expect(other?.yiaddr).toBe('10.77.0.101')
    it.store.letWritesGo()
    await it.lan.settle()
    expect(it.server.macAt(ip('10.77.0.100'))).toBe(NODE1)
  })

  test('an address that is given back while its renewal is written is given back, in store and memory, and nobody hears ACK', async () => {
    const it = await lab()
    const address = ip((await it.boot())!)
    it.store.holdWrites()
    await it.ask(dhcp('request', { ciaddr: address, xid: 7 }))
    await it.ask(dhcp('release', { ciaddr: address, server: OURS }))
    it.store.letWritesGo()
    await it.lan.settle()
    expect([it.store.records.get(address)?.state, it.server.leases()[0]?.state]).toEqual(['released', 'released'])
    expect([it.heard.at(-1)?.xid, it.reasons().at(-1)]).toEqual([0x1234, 'request-overtaken'])
  })

  test('a machine that asks for a second address while the first is written has one in the end, in store and memory', async () => {
    const it = await lab()
    it.store.holdWrites()
    for (const [index, wants] of ['10.77.0.100', '10.77.0.101'].entries())
      await it.ask(dhcp('request', { xid: index, wants, server: OURS }))
    it.store.letWritesGo()
    await it.lan.settle()
    const states = (records: Iterable<LeaseRecord>) => [...records].map(({ address, state }) => [address, state])
    const expected = [
      ['10.77.0.100', 'released'],
      ['10.77.0.101', 'bound'],
    ]
    expect([states(it.server.leases()), states(it.store.records.values())]).toEqual([expected, expected])
    expect(it.server.leaseOf(NODE1)?.address).toBe('10.77.0.101')
  })

  test('a stuck store is given a bounded number of leases to write', async () => {
    const it = await lab()
    it.store.holdWrites()
    for (let xid = 0; xid < 1030; xid += 1) it.say(dhcp('request', { xid, wants: '10.77.0.100', server: OURS }))
    await it.lan.settle()
    expect(it.reasons().filter(reason => reason === 'store-busy')).toHaveLength(6)
    it.store.letWritesGo()
    await it.lan.settle()
    expect(await it.boot({ xid: 5000 })).toBe('10.77.0.100')
  })

  test('close waits for leases that are being written', async () => {
    const it = await lab()
    await it.ask(dhcp('discover'))
    it.store.holdWrites()
    await it.ask(dhcp('request', { wants: '10.77.0.100', server: OURS }))
    const closing = it.server.close()
    it.store.letWritesGo()
    await closing
    await it.lan.settle()
    expect(messageTypeOf(it.heard.at(-1)!)).toBe('ack')
    expect(await it.ask(dhcp('discover', { mac: NODE2 }))).toBeUndefined()
  })
})

describe('restart', () => {
  test('leases are loaded: their machines keep them and nobody else gets them', async () => {
    const before = await lab()
    await before.boot({ mac: NODE1 })
    await before.server.close()
    const after = await lab({}, before.store)
    expect(after.server.leaseOf(NODE1)).toMatchObject({ address: '10.77.0.100', state: 'bound' })
    expect(await after.boot({ mac: NODE2 })).toBe('10.77.0.101')
    expect(await after.boot({ mac: NODE1 })).toBe('10.77.0.100')
  })

  test('I06 a clock that went back while we were off neither ends leases nor makes them endless', async () => {
    const store = new MemoryStore()
    const year = 365 * 86_400_000
    const record = { address: ip('10.77.0.100'), mac: NODE1, state: 'bound' } as const
    await store.put({ ...record, boundAt: START + year, expiresAt: START + year + 3_600_000 })
    const it = await lab({}, store)
    expect(it.server.leaseOf(NODE1)?.expiresAt).toBe(START + 3_600_000)
  })

  test.each([3_600_000, 365 * 86_400_000, -3_600_000, -START])(
    'I06 a clock that is set by %i ms while we serve neither ends a lease nor makes it longer, here or on disk',
    async by => {
      const it = await lab()
      await it.boot({ mac: NODE1 })
      it.clock.advance(1_800_000)
      it.clock.set(it.clock.now() + by)
      expect(await it.boot({ mac: NODE2 })).toBe('10.77.0.101')
      expect(it.server.leaseOf(NODE1)?.expiresAt).toBe(it.clock.now() + 1_800_000)
      expect((await it.store.all())[0]?.expiresAt).toBe(it.clock.now() + 1_800_000)
      it.clock.advance(1_800_000 + 30_000)
      expect(it.server.leaseOf(NODE1)).toBeUndefined()
    },
  )

  test('I06 a clock that is set while a lease is being written does not make it longer', async () => {
    const it = await lab()
    it.store.holdWrites()
    const booted = it.boot({ mac: NODE1 })
    await it.lan.settle()
    it.clock.set(it.clock.now() - 365 * 86_400_000)
    it.clock.now()
    it.store.letWritesGo()
    await booted
    await it.lan.settle()
    expect(it.server.leaseOf(NODE1)?.expiresAt).toBe(it.clock.now() + 3_600_000)
  })

  test('I07 a lease outside today’s subnets is kept and not served', async () => {
    const store = new MemoryStore()
    await store.put({
      address: ip('10.9.0.7'),
      mac: NODE1,
      state: 'bound',
      boundAt: START,
      expiresAt: START + 3_600_000,
    })
    const it = await lab({}, store)
    expect(await it.boot()).toBe('10.77.0.100')
    expect(it.server.leases().map(({ address, state }) => [address, state])).toEqual([
      ['10.9.0.7', 'released'],
      ['10.77.0.100', 'bound'],
    ])
  })
})

describe('offer holds', () => {
  test('C07 offers that nobody took are free again after their time', async () => {
    const it = await lab()
    for (const last of [1, 2, 3, 4]) await it.ask(dhcp('discover', { mac: mac(`52:54:00:00:00:0${last}`) }))
    expect((await it.ask(dhcp('discover')))?.yiaddr).toBe('10.77.0.100')
    expect(it.reasons().at(-1)).toBe('offered-again')
    it.clock.advance(OFFER_HOLD_MS)
    expect(await it.boot()).toBe('10.77.0.100')
    expect(it.reasons().slice(-2)).toEqual(['from-pool', 'selected'])
  })

  test('an address that was taken and given back is not held any more', async () => {
    const it = await lab({ subnets: [{ ...RACK, pools: [{ first: ip('10.77.0.100'), last: ip('10.77.0.100') }] }] })
    await it.boot({ mac: NODE1 })
    await it.ask(dhcp('release', { mac: NODE1, ciaddr: '10.77.0.100', server: OURS }))
    expect(await it.boot({ mac: NODE2 })).toBe('10.77.0.100')
    expect(it.server.leaseOf(NODE1)).toBeUndefined()
    expect(it.server.leaseOf(NODE2)?.address).toBe('10.77.0.100')
  })
})

describe('what others ask of it', () => {
  test('a lease has a machine until it ends or is given back', async () => {
    const it = await lab()
    await it.boot()
    expect([it.server.macAt(ip('10.77.0.100')), it.server.leaseOf(NODE1)?.address]).toEqual([NODE1, '10.77.0.100'])
    it.clock.advance(3_700_000)
    expect([it.server.macAt(ip('10.77.0.100')), it.server.leaseOf(NODE1)]).toEqual([undefined, undefined])
    await it.boot({ xid: 2 })
    await it.ask(dhcp('release', { ciaddr: '10.77.0.100', server: OURS }))
    expect([it.server.macAt(ip('10.77.0.100')), it.server.leaseOf(NODE1)]).toEqual([undefined, undefined])
    expect(it.store.records.get(ip('10.77.0.100'))?.state).toBe('released')
  })

  test('an address in quarantine is durable too', async () => {
    const it = await lab()
    await it.boot()
    await it.ask(dhcp('decline', { wants: '10.77.0.100', server: OURS }))
    expect(it.store.records.get(ip('10.77.0.100'))?.state).toBe('declined')
    expect(it.log.lines.at(-1)).toMatchObject({ level: 'warn', reason: 'declined' })
  })
})

test('a fleet that throws costs one message, not the service', async () => {
  const it = await lab()
  const view = it.fleet.view.bind(it.fleet)
  it.fleet.view = () => {
    throw new Error('a bug')
  }
  expect(await it.ask(dhcp('discover'))).toBeUndefined()
  expect(it.log.lines.at(-1)).toMatchObject({ level: 'error', reason: 'internal-error' })
  it.fleet.view = view
  expect(await it.boot({ xid: 2 })).toBe('10.77.0.100')
})

test('M07 malformed datagrams never stop service', async () => {
  const it = await lab()
  const to = { address: ip('255.255.255.255'), port: 67 }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), bytes => it.wire.send(bytes, to)),
    { numRuns: 200 },
  )
  it.wire.send(encode(dhcp('discover'), { maxBytes: 548 }).subarray(0, 242), to)
  await it.lan.settle()
  expect(it.log.lines.filter(({ reason }) => reason !== undefined && reason !== 'malformed')).toEqual([])
  expect(await it.boot()).toBe('10.77.0.100')
})

test('C12 a message of random options never stops service', async () => {
  const it = await lab()
  const anyOptions = fc.array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 20 })), {
    maxLength: 8,
  })
  fc.assert(
    fc.property(anyOptions, fc.constantFrom('discover', 'request', 'decline', 'release', 'inform'), (options, type) => {
      it.say(dhcp(type, { options: options.filter(([code]) => code !== 52) }))
    }),
    { numRuns: 200 },
  )
  await it.lan.settle()
  expect(it.reasons()).not.toContain('internal-error')
  expect(await it.boot({ mac: mac('52:54:00:12:34:56') })).toMatch(/^10\.77\.0\.10[0-3]$/)
})
