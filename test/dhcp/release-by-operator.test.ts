/** An operator gives a lease back: what the server, the store and the machine make of it. */
import { expect, test } from 'vitest'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { type ServedDhcp, startDhcp } from '../../services/dhcp/server.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { dhcp, hex, ip, NODE1, NODE2 } from './messages.ts'
import { listeningLog, MemoryStore, RACK, START, subnet, TestFleet } from './rig.ts'

const ONE = subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.100'])
const ADDRESS = ip('10.77.0.100')

async function lab() {
  const lan = new FakeLan({ eth1: '10.77.0.1' })
  const [clock, log, store] = [new FakeClock(START), listeningLog(), new MemoryStore()]
  const network = { interface: 'eth1', address: ip('10.77.0.1'), prefix: RACK.prefix }
  const served: ServedDhcp = {
    mode: 'server',
    leaseSeconds: 3600,
    authoritative: true,
    subnetSelection: false,
    subnets: [ONE],
  }
  const port = await lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 67 })
  const site = { domain: 'rack7.example.org', network, dhcp: served }
  const server = await startDhcp({ port, site, httpPort: 80, mtu: 1500, store, fleet: new TestFleet(), clock, log })
  const wire = await lan.open({ device: 'machine', address: ip('0.0.0.0'), port: 68 })
  const heard: DhcpMessage[] = []
  wire.onDatagram(({ bytes }) => {
    const message = decode(bytes)
    if (!isMalformed(message)) heard.push(message)
  })
  /** Type and address of the reply, as hexadecimal and text. */
  const ask = async (message: DhcpMessage): Promise<string | undefined> => {
    heard.length = 0
    wire.send(encode(message, { maxBytes: 1472 }), { address: ip('255.255.255.255'), port: 67 })
    await lan.settle()
    return heard[0] && `${hex(heard[0], 53)} ${heard[0].yiaddr}`
  }
  const take = (mac = NODE1, xid = 1) => ask(dhcp('request', { mac, xid, wants: ADDRESS, server: '10.77.0.1' }))
  return { lan, clock, log, store, server, ask, take }
}

test('the lease is over now, durably, and its address free for another machine', async () => {
  const it = await lab()
  await it.take()
  it.clock.advance(60_000)
  const released = { address: ADDRESS, mac: NODE1, state: 'released', boundAt: START, expiresAt: START + 60_000 }
  expect(await it.server.release(ADDRESS)).toEqual(released)
  expect(it.store.records.get(ADDRESS)).toEqual(released)
  expect([it.server.leaseOf(NODE1), it.server.macAt(ADDRESS), it.server.leases()]).toEqual([
    undefined,
    undefined,
    [released],
  ])
  expect(it.log.lines.at(-1)?.message).toBe('10.77.0.100 of bc:24:11:ab:12:21 was given back by an operator')
  expect(await it.ask(dhcp('discover', { mac: NODE2 }))).toBe('02 10.77.0.100')
})

test('a machine that renews before anybody else took the address has it again', async () => {
  const it = await lab()
  await it.take()
  await it.server.release(ADDRESS)
  it.lan.setAddress('machine', ADDRESS)
  expect(await it.ask(dhcp('request', { xid: 2, ciaddr: ADDRESS }))).toBe('05 10.77.0.100')
  expect([it.server.macAt(ADDRESS), it.store.records.get(ADDRESS)?.state]).toEqual([NODE1, 'bound'])
})

test('a request that was acknowledged and is repeated after the release makes a lease again', async () => {
  const it = await lab()
  await it.take()
  await it.server.release(ADDRESS)
  expect(await it.take()).toBe('05 10.77.0.100')
  expect([it.server.macAt(ADDRESS), it.store.records.get(ADDRESS)?.state]).toEqual([NODE1, 'bound'])
})

test('what is in quarantine can be set free', async () => {
  const it = await lab()
  await it.take()
  await it.ask(dhcp('decline', { wants: ADDRESS, server: '10.77.0.1' }))
  expect(await it.ask(dhcp('discover', { mac: NODE2 }))).toBeUndefined()
  expect((await it.server.release(ADDRESS))?.state).toBe('released')
  expect(await it.ask(dhcp('discover', { mac: NODE2 }))).toBe('02 10.77.0.100')
})

test('nothing is given back twice, nor what was never leased', async () => {
  const it = await lab()
  await it.take()
  await it.server.release(ADDRESS)
  expect([await it.server.release(ADDRESS), await it.server.release(ip('10.77.0.9'))]).toEqual([undefined, undefined])
  expect(it.store.written).toHaveLength(2)
})

test('I04 what could not be written was not given back', async () => {
  const it = await lab()
  await it.take()
  it.store.failure = new Error('ENOSPC')
  await expect(it.server.release(ADDRESS)).rejects.toThrow('ENOSPC')
  expect([it.server.macAt(ADDRESS), it.store.records.get(ADDRESS)?.state]).toEqual([NODE1, 'bound'])
})

test('an acknowledgement on its way to the store comes first, and store and memory agree', async () => {
  const it = await lab()
  await it.take()
  it.clock.advance(1_800_000)
  it.store.holdWrites()
  await it.take(NODE1, 2)
  const releasing = it.server.release(ADDRESS)
  it.store.letWritesGo()
  const released = await releasing
  expect([released?.boundAt, released?.state]).toEqual([START + 1_800_000, 'released'])
  expect([it.store.records.get(ADDRESS), it.server.leases()]).toEqual([released, [released]])
})

test('a request that is repeated while the release is written is a new lease, in store and memory', async () => {
  const it = await lab()
  await it.take()
  it.store.holdWrites()
  const releasing = it.server.release(ADDRESS)
  await it.take()
  it.store.letWritesGo()
  await releasing
  await it.lan.settle()
  expect([it.store.records.get(ADDRESS)?.state, it.server.macAt(ADDRESS)]).toEqual(['bound', NODE1])
})
