/** Offers and their conflict probes, on a fake LAN: what machines hear, what is kept, what the log and the alarms say. */
import { TURN_MOST } from '../../services/dhcp/backlog.ts'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { MAX_QUARANTINED_BY_ANSWERER } from '../../services/dhcp/conflict.ts'
import { QUARANTINE_MS } from '../../services/dhcp/lease-table.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { messageTypeOf } from '../../services/dhcp/options.ts'
import { KERNEL_ASKS_MS, PROBES_MOST } from '../../services/dhcp/probing.ts'
import { startDhcp } from '../../services/dhcp/server.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { Subnet } from '../../services/site/types.ts'
import { FakeProbe } from '../fake/address-probe.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { dhcp, ip, mac, NODE1, NODE2, type Said } from './messages.ts'
import { listeningLog, MemoryStore, RACK, START, subnet, TestFleet } from './rig.ts'

const OURS = '10.77.0.1'
const STRANGER = mac('02:00:00:00:00:99')
const BIG = subnet('10.77.0.0/16', ['10.77.1.0-10.77.8.255'])

async function lab(subnets: Subnet[] = [RACK], store = new MemoryStore()) {
  const lan = new FakeLan({ eth1: OURS })
  const [clock, fleet, log, probe] = [new FakeClock(START), new TestFleet(), listeningLog(), new FakeProbe()]
  const alarms = new Alarms(clock)
  const network = { interface: 'eth1', address: ip(OURS), prefix: RACK.prefix }
  const site = {
    domain: 'rack7.example.org',
    network,
    dhcp: { mode: 'server', leaseSeconds: 3600, authoritative: true, subnetSelection: false, subnets },
  } as const
  const port = await lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 67 })
  const server = await startDhcp({ port, site, httpPort: 80, mtu: 1500, store, fleet, probe, alarms, clock, log })
  const wire = await lan.open({ device: 'machine', address: ip('0.0.0.0'), port: 68 })
  const heard: DhcpMessage[] = []
  wire.onDatagram(({ bytes }) => {
    const message = decode(bytes)
    if (!isMalformed(message)) heard.push(message)
  })
  const say = (message: DhcpMessage) =>
    wire.send(encode(message, { maxBytes: 1472 }), { address: ip('255.255.255.255'), port: 67 })
  const ask = async (message: DhcpMessage) => {
    const before = heard.length
    say(message)
    await lan.settle()
    return heard[before]
  }
  return {
    lan,
    clock,
    fleet,
    log,
    probe,
    alarms,
    store,
    server,
    heard,
    say,
    ask,
    offered: async (said: Said = {}) => (await ask(dhcp('discover', said)))?.yiaddr,
    async boot(said: Said = {}): Promise<string | undefined> {
      const offer = await ask(dhcp('discover', said))
      const ack = offer && (await ask(dhcp('request', { ...said, wants: offer.yiaddr, server: OURS })))
      return ack && messageTypeOf(ack) === 'ack' ? ack.yiaddr : undefined
    },
    reasons: () => log.lines.flatMap(({ reason }) => (reason ? [reason] : [])),
  }
}

describe('C08 a never-used address is looked at before it is offered', () => {
  test('nobody answers: it is offered once, and not looked at again for the REQUEST or the next DISCOVER', async () => {
    const it = await lab()
    expect(await it.boot()).toBe('10.77.0.100')
    expect(await it.boot({ xid: 2 })).toBe('10.77.0.100')
    expect(it.probe.asked).toEqual(['10.77.0.100'])
    expect(it.reasons()).toEqual(['from-pool', 'selected', 'current-lease', 'selected'])
  })

  test('somebody answers: the address is in quarantine, the next one is offered, and the log names who answered', async () => {
    const it = await lab()
    it.probe.uses('10.77.0.100', STRANGER)
    expect(await it.boot()).toBe('10.77.0.101')
    expect(it.probe.asked).toEqual(['10.77.0.100', '10.77.0.101'])
    expect(it.store.records.get(ip('10.77.0.100'))).toEqual({
      address: '10.77.0.100',
      mac: STRANGER,
      state: 'declined',
      boundAt: START,
      expiresAt: START + QUARANTINE_MS,
    })
    expect(it.log.lines.find(({ reason }) => reason === 'address-in-use')).toMatchObject({
      level: 'warn',
      message: `${STRANGER} uses 10.77.0.100, which is in quarantine now: another address for ${NODE1}`,
      fields: { mac: NODE1, address: '10.77.0.100', answerer: STRANGER },
    })
    expect(it.alarms.list().map(({ code, subject, details }) => [code, subject, details['answerer']])).toEqual([
      ['address-in-use', '10.77.0.100', STRANGER],
    ])
  })

  test('the address that a machine asks for is looked at, too', async () => {
    const it = await lab()
    it.probe.uses('10.77.0.102', STRANGER)
    expect(await it.offered({ wants: '10.77.0.102' })).toBe('10.77.0.100')
    expect(it.probe.asked).toEqual(['10.77.0.102', '10.77.0.100'])
  })

  test('quarantine outlives a restart, and after its time somebody looks again', async () => {
    const before = await lab()
    before.probe.uses('10.77.0.100', STRANGER)
    await before.offered()
    await before.server.close()
    const only = subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.100'])
    const after = await lab([only], before.store)
    expect(await after.offered()).toBeUndefined()
    expect(after.reasons()).toEqual(['pool-exhausted'])
    after.clock.advance(QUARANTINE_MS)
    expect(await after.offered()).toBe('10.77.0.100')
    expect(after.probe.asked).toEqual(['10.77.0.100'])
  })

  test('a DISCOVER that comes again meanwhile is neither probed nor answered twice', async () => {
    const it = await lab()
    it.probe.hold()
    for (let repeat = 0; repeat < 5; repeat += 1) it.say(dhcp('discover', { xid: 7 }))
    await it.lan.settle()
    it.probe.answer()
    await it.lan.settle()
    expect(it.probe.asked).toEqual(['10.77.0.100'])
    expect(it.heard.map(({ xid, yiaddr }) => [xid, yiaddr])).toEqual([[7, '10.77.0.100']])
    expect(it.reasons()).toEqual([...Array.from({ length: 4 }, () => 'probe-pending'), 'from-pool'])
  })

  test('a new transaction meanwhile is the one that is answered', async () => {
    const it = await lab()
    it.probe.hold()
    it.say(dhcp('discover', { xid: 7 }))
    it.say(dhcp('discover', { xid: 8 }))
    await it.lan.settle()
    it.probe.answer()
    await it.lan.settle()
    expect(it.heard.map(({ xid }) => xid)).toEqual([8])
    expect(it.probe.asked).toEqual(['10.77.0.100'])
  })

  test('a machine that takes another server’s address meanwhile is offered nothing', async () => {
    const it = await lab()
    it.probe.hold()
    it.say(dhcp('discover'))
    it.say(dhcp('request', { wants: '10.77.0.9', server: '10.77.0.2' }))
    await it.lan.settle()
    it.probe.answer()
    await it.lan.settle()
    expect(it.heard).toEqual([])
    expect(it.reasons()).toEqual(['foreign-server', 'probe-overtaken'])
  })

  test('machines at the same time are probed beside each other, each at its own address', async () => {
    const it = await lab()
    it.probe.hold()
    it.say(dhcp('discover', { mac: NODE1, xid: 1 }))
    it.say(dhcp('discover', { mac: NODE2, xid: 2 }))
    await it.lan.settle()
    expect(it.probe.asked).toEqual(['10.77.0.100', '10.77.0.101'])
    it.probe.answer()
    await it.lan.settle()
    expect(it.heard.map(({ yiaddr }) => yiaddr)).toEqual(['10.77.0.100', '10.77.0.101'])
  })

  test('where there is no way to look, the offer goes out at once', async () => {
    const it = await lab()
    it.probe.isReachable = () => false
    expect(await it.offered()).toBe('10.77.0.100')
    expect(it.probe.asked).toEqual([])
  })

  test('an answer from behind a relay agent has no MAC', async () => {
    const far = subnet('10.78.0.0/24', ['10.78.0.100-10.78.0.199'], { relays: [ip('10.78.0.1')] })
    const it = await lab([RACK, far])
    it.probe.uses('10.78.0.100')
    const relay = await it.lan.open({ device: 'relay', address: ip('10.78.0.1'), port: 67 })
    const heard: DhcpMessage[] = []
    relay.onDatagram(({ bytes }) => heard.push(decode(bytes) as DhcpMessage))
    it.say(dhcp('discover', { giaddr: '10.78.0.1' }))
    await it.lan.settle()
    expect(heard.map(({ yiaddr }) => yiaddr)).toEqual(['10.78.0.101'])
    expect(it.log.lines.find(({ reason }) => reason === 'address-in-use')?.message).toBe(
      `something behind the relay agent uses 10.78.0.100, which is in quarantine now: another address for ${NODE1}`,
    )
  })

  test('the server that is closed looks no more', async () => {
    const it = await lab()
    it.probe.hold()
    it.say(dhcp('discover'))
    await it.lan.settle()
    await it.server.close()
    it.probe.answer()
    await it.lan.settle()
    expect(it.heard).toEqual([])
  })
})

describe('C09 a machine’s own address is not probed', () => {
  test('a reservation, a lease, a former lease and an offer that is repeated', async () => {
    const it = await lab()
    it.fleet.reservations.set(NODE2, ip('10.77.0.50'))
    for (const address of ['10.77.0.50', '10.77.0.100']) it.probe.uses(address, STRANGER)
    await it.store.put({ address: ip('10.77.0.100'), mac: NODE1, state: 'released', boundAt: START, expiresAt: START })
    const again = await lab([RACK], it.store)
    again.fleet.reservations.set(NODE2, ip('10.77.0.50'))
    expect(await again.boot({ mac: NODE2 })).toBe('10.77.0.50')
    expect(await again.offered({ mac: NODE1, xid: 1 })).toBe('10.77.0.100')
    expect(await again.offered({ mac: NODE1, xid: 2 })).toBe('10.77.0.100')
    expect(await again.boot({ mac: NODE1, xid: 3 })).toBe('10.77.0.100')
    expect(await again.boot({ mac: NODE1, xid: 4 })).toBe('10.77.0.100')
    expect(again.probe.asked).toEqual([])
  })

  test('a booted system that answers for the address which it asks for keeps it', async () => {
    const it = await lab()
    it.probe.uses('10.77.0.102', NODE1)
    expect(await it.boot({ wants: '10.77.0.102' })).toBe('10.77.0.102')
    expect(it.store.records.get(ip('10.77.0.102'))?.state).toBe('bound')
  })
})

describe('what answers for every address', () => {
  test('cannot empty the pool: an alarm, and service goes on', async () => {
    const it = await lab([subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.199'])])
    it.probe.everywhere = { mac: STRANGER }
    expect(await it.boot()).toBe('10.77.0.106')
    expect([...it.store.records.values()].filter(({ state }) => state === 'declined')).toHaveLength(
      MAX_QUARANTINED_BY_ANSWERER,
    )
    expect(await it.boot({ mac: NODE2 })).toBe('10.77.0.107')
    expect(it.alarms.list().find(({ code }) => code === 'answers-for-all')).toMatchObject({
      severity: 'alarm',
      count: 2,
      details: { address: '10.77.0.107', mac: NODE2, answerer: STRANGER },
    })
  })

  test('nor can many hosts: a quarter of the pool at most is in quarantine', async () => {
    const it = await lab()
    for (const last of [0, 1, 2, 3]) it.probe.uses(`10.77.0.10${last}`, mac(`02:00:00:00:00:0${last}`))
    expect(await it.boot()).toBe('10.77.0.101')
    expect(it.reasons()).toEqual(['address-in-use', 'answers-for-all', 'from-pool', 'selected'])
  })

  test('addresses that machines declined count, too', async () => {
    const it = await lab()
    await it.boot({ mac: NODE2 })
    await it.ask(dhcp('decline', { mac: NODE2, wants: '10.77.0.100', server: OURS }))
    it.probe.uses('10.77.0.101', STRANGER)
    expect(await it.boot()).toBe('10.77.0.101')
    expect(it.reasons().slice(2)).toEqual(['declined', 'answers-for-all', 'from-pool', 'selected'])
  })

  test('a machine whose next eight addresses are in use hears nothing, and gets one when it asks again', async () => {
    const it = await lab([subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.199'])])
    for (let last = 100; last < 110; last += 1) it.probe.uses(`10.77.0.${last}`, mac(`02:00:00:00:01:${last - 90}`))
    expect(await it.offered({ xid: 1 })).toBeUndefined()
    expect(it.log.lines.at(-1)).toMatchObject({ level: 'warn', reason: 'all-in-use' })
    expect(await it.offered({ xid: 2 })).toBe('10.77.0.110')
  })
})

describe('a flood of random MACs', () => {
  const flood = (count: number): Mac[] =>
    Array.from({ length: count }, (_, at) => mac(`52:54:00:01:${hex(at >> 8)}:${hex(at & 255)}`))
  const hex = (value: number): string => value.toString(16).padStart(2, '0')

  test('is probed up to a bound; beyond that offers go out unprobed, and it is said', async () => {
    const it = await lab([BIG])
    it.probe.hold()
    for (const [xid, sender] of flood(PROBES_MOST + 3).entries()) it.say(dhcp('discover', { mac: sender, xid }))
    // Nothing is on the wire while probes are held, and a crowd takes several turns.
    for (let turns = 0; turns < PROBES_MOST; turns += TURN_MOST) await it.lan.settle()
    expect([it.probe.asked.length, it.heard.length]).toEqual([PROBES_MOST, 3])
    expect(it.alarms.list()).toMatchObject([{ code: 'unprobed', severity: 'warning', count: 3 }])
    it.probe.answer()
    await it.lan.settle()
    expect(it.heard).toHaveLength(PROBES_MOST + 3)
  })

  test('a clock that is set back does not keep the places taken for longer', async () => {
    const it = await lab([BIG])
    for (const [xid, sender] of flood(PROBES_MOST).entries()) it.say(dhcp('discover', { mac: sender, xid }))
    await it.lan.settle()
    it.clock.set(START - 86_400_000)
    it.clock.advance(KERNEL_ASKS_MS)
    it.say(dhcp('discover', { mac: NODE2, xid: 10_000 }))
    await it.lan.settle()
    expect(it.probe.asked).toHaveLength(PROBES_MOST + 1)
  })

  test('a silent address takes its place until the kernel stops asking for it', async () => {
    const it = await lab([BIG])
    const [late, ...senders] = flood(PROBES_MOST + 1)
    for (const [xid, sender] of senders.entries()) it.say(dhcp('discover', { mac: sender, xid }))
    await it.lan.settle()
    it.clock.advance(KERNEL_ASKS_MS - 1)
    it.say(dhcp('discover', { mac: late!, xid: 9999 }))
    await it.lan.settle()
    expect(it.probe.asked).toHaveLength(PROBES_MOST)
    it.clock.advance(1)
    it.say(dhcp('discover', { mac: NODE2, xid: 10_000 }))
    await it.lan.settle()
    expect(it.probe.asked).toHaveLength(PROBES_MOST + 1)
  })
})
