/** Machines behind a router that relays: which subnet they are in, who they take us for, and where replies go. */
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { addresses } from '../../services/dhcp/options.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { startDhcp } from '../../services/dhcp/server.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { dhcp, hex, ip, NODE1, NODE2, type Said } from './messages.ts'
import { Bench, listeningLog, MemoryStore, RACK, START, subnet, TestFleet } from './rig.ts'

const AGENT = '10.1.0.1'
const FAR = subnet('10.1.0.0/24', ['10.1.0.10-10.1.0.20'], { relays: [ip(AGENT)] })
const BEYOND = subnet('10.2.0.0/24', ['10.2.0.10-10.2.0.20'], { relays: [ip(AGENT)] })
const FOREIGN = subnet('10.3.0.0/24', ['10.3.0.10-10.3.0.20'], { relays: [ip('10.3.0.1')] })
const SUBNETS = [RACK, FAR, BEYOND, FOREIGN]

const LINK = [5, 4, 10, 2, 0, 0]
const OVERRIDE = [11, 4, 10, 1, 0, 1]
const SOURCE_PORT = [19, 0]
const CUT_OFF = [1, 9, 0x65]

const relayed = (sub: number[], more: Said = {}): Said => ({
  giaddr: AGENT,
  ...more,
  options: [[82, Uint8Array.from(sub)]],
})

describe('which subnet', () => {
  test.each<[string, Said, string]>([
    ['the one around the relay agent', { giaddr: AGENT }, 'offer from-pool 10.1.0.10'],
    ['G03 the link that it selects', relayed(LINK), 'offer from-pool 10.2.0.10'],
    ['G03 any address of that link', relayed([5, 4, 10, 2, 0, 77]), 'offer from-pool 10.2.0.10'],
    ['G07 not a link of another relay agent', relayed([5, 4, 10, 3, 0, 0]), 'silence unknown-relay'],
    ['G07 nor our own, which lists no relay agent', relayed([5, 4, 10, 77, 0, 0]), 'silence unknown-relay'],
    ['a link that no subnet holds', relayed([5, 4, 192, 168, 1, 0]), 'silence no-subnet'],
    ['G07 no link of a relay agent that is not listed', relayed(LINK, { giaddr: '10.9.0.1' }), 'silence unknown-relay'],
    ['G06 a broken option selects none', relayed([...LINK, ...CUT_OFF]), 'offer from-pool 10.1.0.10'],
  ])('%s', (_, said, outcome) => {
    expect(new Bench({ subnets: SUBNETS }).outcome(dhcp('discover', said))).toBe(outcome)
  })
})

describe('G04 option 118, by which a client chooses its subnet', () => {
  const chooses = (address: string, more: Said = {}): Said => ({
    ...more,
    options: [...(more.options ?? []), [118, addresses([ip(address)])]],
  })
  test.each<[string, boolean, Said, string, string | undefined]>([
    ['is not heard unless the site allows it', false, chooses('10.2.0.0'), 'offer from-pool 10.77.0.100', undefined],
    ['selects before the interface', true, chooses('10.2.0.9'), 'offer from-pool 10.2.0.10', '0a020009'],
    ['selects before giaddr', true, chooses('10.2.0.0', { giaddr: AGENT }), 'offer from-pool 10.2.0.10', '0a020000'],
    [
      'gives way to the link that the relay agent selects',
      true,
      chooses('10.1.0.0', relayed(LINK)),
      'offer from-pool 10.2.0.10',
      undefined,
    ],
    ['selects nothing outside the subnets', true, chooses('192.168.1.0'), 'silence no-subnet', undefined],
    [
      'selects no subnet that the relay agent may not ask for',
      true,
      chooses('10.3.0.0', { giaddr: AGENT }),
      'silence unknown-relay',
      undefined,
    ],
    [
      'opens no way for a relay agent that is not listed',
      true,
      chooses('10.2.0.0', { giaddr: '10.9.0.1' }),
      'silence unknown-relay',
      undefined,
    ],
    [
      'of another length is not there',
      true,
      { options: [[118, Uint8Array.of(10, 2, 0)]] },
      'offer from-pool 10.77.0.100',
      undefined,
    ],
  ])('%s', (_, subnetSelection, said, outcome, echoed) => {
    const bench = new Bench({ subnets: SUBNETS, subnetSelection })
    const decision = bench.decide(dhcp('discover', said))
    const kind = decision.do === 'reply' ? decision.type : 'silence'
    expect([kind, decision.reason, decision.address].filter(Boolean).join(' ')).toBe(outcome)
    expect(decision.do === 'reply' ? hex(decision.message, 118) : undefined).toBe(echoed)
  })

  test('goes on at the renewal, and is echoed in the ACK', () => {
    const bench = new Bench({ subnets: SUBNETS, subnetSelection: true })
    const said = chooses('10.2.0.0')
    const ack = bench.reply(dhcp('request', { ...said, wants: '10.2.0.10', server: '10.77.0.1' }))
    expect([ack.type, ack.address, hex(ack.message, 118), hex(ack.message, 1)]).toEqual([
      'ack',
      '10.2.0.10',
      '0a020000',
      'ffffff00',
    ])
    expect(bench.outcome(dhcp('request', { ...said, xid: 9, ciaddr: '10.2.0.10' }))).toBe('ack renewed 10.2.0.10')
  })
})

describe('G05 who they take us for', () => {
  const options = [...LINK, ...OVERRIDE]

  test('every reply carries the override as its server identifier, and our address where files are', () => {
    const bench = new Bench({ subnets: SUBNETS })
    const boot = { vendorClass: 'PXEClient:Arch:00007:UNDI:003000', architecture: 7 }
    const offer = bench.reply(dhcp('discover', relayed(options, boot))).message
    expect([hex(offer, 54), offer.siaddr, offer.giaddr]).toEqual(['0a010001', '10.77.0.1', AGENT])
    const ack = bench.reply(dhcp('request', relayed(options, { wants: '10.2.0.10', server: AGENT })))
    expect([ack.type, ack.address, hex(ack.message, 54)]).toEqual(['ack', '10.2.0.10', '0a010001'])
    const nak = bench.reply(dhcp('request', relayed(options, { wants: '10.9.9.9', server: AGENT })))
    expect([nak.type, hex(nak.message, 54)]).toEqual(['nak', '0a010001'])
  })

  test.each<[string, Said, string]>([
    ['our own address means us, too', relayed(options, { server: '10.77.0.1' }), 'ack selected 10.2.0.10'],
    ['another server is another server', relayed(options, { server: '10.2.0.9' }), 'silence foreign-server'],
    ['without the override it is one as well', relayed(LINK, { server: AGENT }), 'silence foreign-server'],
    [
      'G06 a broken option overrides nothing',
      relayed([...OVERRIDE, ...CUT_OFF], { server: AGENT }),
      'silence foreign-server',
    ],
  ])('%s', (_, said, outcome) => {
    expect(new Bench({ subnets: SUBNETS }).outcome(dhcp('request', { ...said, wants: '10.2.0.10' }))).toBe(outcome)
  })

  test('G02 a machine on our own wire overrides nothing', () => {
    const said: Said = { wants: '10.77.0.100', server: AGENT, options: [[82, Uint8Array.from(options)]] }
    expect(new Bench({ subnets: SUBNETS }).outcome(dhcp('request', said))).toBe('silence foreign-server')
  })

  test('what is given back or declined to the override is given back and declined to us', () => {
    const bench = new Bench({ subnets: SUBNETS })
    bench.lease('10.2.0.10', NODE1)
    const decline = dhcp('decline', relayed(options, { wants: '10.2.0.10', server: AGENT }))
    expect(bench.outcome(decline)).toBe('silence declined 10.2.0.10')
    bench.lease('10.2.0.11', NODE2)
    const release = relayed(options, { mac: NODE2, ciaddr: '10.2.0.11', server: AGENT })
    expect(bench.outcome(dhcp('release', release))).toBe('silence released 10.2.0.11')
  })
})

describe('G06 a broken option 82', () => {
  test.each(['discover', 'request'] as const)('%s: echoed as octets, and the log says so', type => {
    const bench = new Bench({ subnets: SUBNETS })
    const reply = bench.reply(dhcp(type, relayed(CUT_OFF, { wants: '10.1.0.10' })))
    expect([hex(reply.message, 82), reply.notes]).toEqual(['010965', ['relay-information-broken']])
  })

  test('a whole one is not noted', () => {
    const bench = new Bench({ subnets: SUBNETS })
    expect(bench.reply(dhcp('discover', relayed([...LINK, ...OVERRIDE]))).notes).toEqual([])
  })
})

/** The server, and a relay agent that sends from a port of its choice and hears at 67 and there. */
async function farLab(sourcePort: number) {
  const lan = new FakeLan({ eth1: '10.77.0.1', agent: AGENT })
  const log = listeningLog()
  const network = { interface: 'eth1', address: ip('10.77.0.1'), prefix: RACK.prefix }
  const served = {
    mode: 'server',
    leaseSeconds: 3600,
    authoritative: true,
    subnetSelection: false,
    subnets: SUBNETS,
  } as const
  await startDhcp({
    port: await lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 67 }),
    site: { domain: 'rack7.example.org', network, dhcp: served },
    httpPort: 80,
    mtu: 1500,
    store: new MemoryStore(),
    fleet: new TestFleet(),
    clock: new FakeClock(START),
    log,
  })
  const heard: [number, DhcpMessage][] = []
  const ports = await Promise.all([67, sourcePort].map(port => lan.open({ device: 'agent', address: ip(AGENT), port })))
  for (const port of ports) {
    port.onDatagram(({ bytes }) => {
      const message = decode(bytes)
      if (!isMalformed(message)) heard.push([port.local.port, message])
    })
  }
  const relay = async (message: DhcpMessage) => {
    ports[1]!.send(encode(message, { maxBytes: 1472 }), { address: ip('10.77.0.1'), port: 67 })
    await lan.settle()
  }
  return { lan, log, heard, relay }
}

describe('where replies go', () => {
  test.each<[string, number[], number]>([
    ['G03 to the relay agent, whatever link it selected', LINK, 67],
    ['G09 to its port, if it says that it hears there', [...LINK, ...SOURCE_PORT], 5067],
    ['G06 to port 67, if what it says is broken', [...SOURCE_PORT, ...CUT_OFF], 67],
  ])('%s', async (_, sub, port) => {
    const it = await farLab(5067)
    await it.relay(dhcp('discover', relayed(sub)))
    await it.relay(dhcp('request', relayed(sub, { wants: it.heard[0]![1].yiaddr, server: '10.77.0.1' })))
    expect(it.heard.map(([at, message]) => [at, hex(message, 53), message.giaddr])).toEqual([
      [port, '02', AGENT],
      [port, '05', AGENT],
    ])
  })

  test('G09 a machine on our own wire chooses no port', async () => {
    const it = await farLab(5067)
    await it.relay(dhcp('discover', { options: [[82, Uint8Array.from(SOURCE_PORT)]] }))
    expect(it.lan.frames.at(-1)?.to).toEqual({ address: '255.255.255.255', port: 68 })
  })

  test('G06 a broken option 82 is a warning in the log', async () => {
    const it = await farLab(5067)
    await it.relay(dhcp('discover', relayed(CUT_OFF)))
    expect(it.log.lines.at(-1)).toMatchObject({ level: 'warn', reason: 'relay-information-broken' })
    expect(hex(it.heard[0]![1], 82)).toBe('010965')
  })
})
