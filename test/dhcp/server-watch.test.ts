/** The watch for other servers on a fake LAN: what it asks, what it hears, what becomes an alarm. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../services/dhcp/codec.ts'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { ANSWER_MS, LOOK_EVERY_MS, ServerWatch } from '../../services/dhcp/server-watch.ts'
import type { WatchMode } from '../../services/dhcp/sighting.ts'
import { type ServedDhcp, startDhcp } from '../../services/dhcp/server.ts'
import { Alarms, QUIET_MS, SUBJECTS_MOST } from '../../services/kit/alarms.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { FakeProbe } from '../fake/address-probe.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { dhcp, hex, ip, mac, NODE1 } from './messages.ts'
import { listeningLog, MemoryStore, RACK, START, TestFleet } from './rig.ts'

const OURS = ip('10.77.0.1')
const OTHER = '10.77.0.2'
const OTHER_MAC = mac('02:00:00:00:00:02')
const OWN_MAC = mac('02:00:00:00:00:01')
const EVERYBODY = ip('255.255.255.255')

const DEAF = { code: 'socket', message: 'the port is taken', hint: 'stop it', severity: 'error' } as const

type Options = { mode?: WatchMode; others?: Ipv4[]; deaf?: boolean }

async function lab({ mode = 'server', others = [], deaf = false }: Options = {}) {
  const lan = new FakeLan({ eth1: OURS, rogue: OTHER })
  const [clock, log, probe, fleet] = [new FakeClock(START), listeningLog(), new FakeProbe(), new TestFleet()]
  const alarms = new Alarms(clock)
  const port = await lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 68 })
  const watch = new ServerWatch({
    port: deaf ? DEAF : port,
    mac: OWN_MAC,
    expected: { mode, ours: OURS, others, relays: [] },
    probe,
    link: RACK.prefix,
    alarms,
    clock,
    log,
  })
  probe.uses(OTHER, OTHER_MAC)
  const rogue = await lan.open({ device: 'rogue', address: ip('0.0.0.0'), port: 67 })
  const asked: DhcpMessage[] = []
  /** What the rogue answers a question; silent if undefined. */
  const it = { answer: undefined as ((question: DhcpMessage) => DhcpMessage) | undefined }
  const say = (message: DhcpMessage) =>
    rogue.send(encode(message, { maxBytes: 1472 }), { address: EVERYBODY, port: 68 })
  rogue.onDatagram(({ bytes }) => {
    const question = decode(bytes) as DhcpMessage
    asked.push(question)
    if (it.answer) say(it.answer(question))
  })
  const list = () =>
    alarms.list().map(({ code, subject, endedAt }) => [code, subject, ...(endedAt ? ['over'] : [])].join(' '))
  return Object.assign(it, { lan, clock, log, alarms, watch, probe, fleet, asked, say, list })
}

const offer = (question: Partial<DhcpMessage>, server = OTHER): DhcpMessage => ({
  ...dhcp('offer', { server }),
  op: 'reply',
  yiaddr: ip('10.77.0.150'),
  ...(question.xid === undefined ? {} : { xid: question.xid }),
  ...(question.chaddr ? { chaddr: question.chaddr } : {}),
})

describe('it asks', () => {
  test('a DISCOVER of firmware by broadcast, again if nobody answers, and then every five minutes; never a REQUEST', async () => {
    const it = await lab()
    it.watch.start()
    await it.lan.settle()
    for (const wait of [ANSWER_MS, ANSWER_MS, LOOK_EVERY_MS, ANSWER_MS]) {
      it.clock.advance(wait)
      await it.lan.settle()
    }
    expect(it.asked).toHaveLength(4)
    const [first, second, third] = it.asked
    expect([first!.broadcast, hex(first!, 53), first!.xid === second!.xid, first!.xid === third!.xid]).toEqual([
      true,
      '01',
      true,
      false,
    ])
    expect(it.lan.frames[0]).toMatchObject({ from: { address: OURS, port: 68 }, to: { address: EVERYBODY, port: 67 } })
    expect(it.list()).toEqual([])
    await it.watch.close()
    expect(it.clock.pendingTimers).toBe(0)
  })

  test('who answers is an alarm at once that names it, once, and over when it is not there any more', async () => {
    const it = await lab()
    it.answer = question => offer(question)
    it.watch.start()
    await it.lan.settle()
    expect(it.alarms.list()).toMatchObject([
      {
        code: 'other-server',
        subject: OTHER,
        severity: 'alarm',
        details: { server: OTHER, from: OTHER, offered: '10.77.0.150', serverMac: OTHER_MAC },
        count: 1,
      },
    ])
    it.clock.advance(ANSWER_MS + LOOK_EVERY_MS)
    await it.lan.settle()
    expect([it.asked.length, it.alarms.list()[0]?.count]).toEqual([2, 2])
    expect(it.log.lines.map(({ level, reason, message }) => [level, reason, message])).toEqual([
      ['error', 'other-server', `the server ${OTHER} gives addresses: it offered 10.77.0.150 to ${OWN_MAC}`],
    ])
    it.answer = undefined
    it.clock.advance(QUIET_MS)
    expect(it.list()).toEqual([`other-server ${OTHER} over`])
  })

  test('our own server does not answer it, and remembers nothing of it', async () => {
    const it = await lab()
    const port = await it.lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 67 })
    const network = { interface: 'eth1', address: OURS, prefix: RACK.prefix }
    const dhcpSite: ServedDhcp = {
      mode: 'server',
      leaseSeconds: 3600,
      authoritative: true,
      subnetSelection: false,
      subnets: [RACK],
    }
    const { log, clock, watch, fleet } = it
    const site = { domain: 'rack7.example.org', network, dhcp: dhcpSite }
    await startDhcp({ port, site, httpPort: 80, mtu: 1500, store: new MemoryStore(), fleet, watch, clock, log })
    watch.start()
    await it.lan.settle()
    // On this LAN nobody hears himself; a real kernel brings a broadcast back to the host that sent it.
    const echo = await it.lan.open({ device: 'echo', address: ip('0.0.0.0'), port: 68 })
    echo.send(it.lan.frames[0]!.bytes, { address: EVERYBODY, port: 67 })
    echo.send(encode(dhcp('discover', { xid: 1 }), { maxBytes: 548 }), { address: EVERYBODY, port: 67 })
    await it.lan.settle()
    expect(it.fleet.facts.map(({ client }) => client.mac)).toEqual([NODE1])
  })
})

describe('it hears', () => {
  test('replies to machines', async () => {
    const it = await lab()
    it.say(offer({}))
    await it.lan.settle()
    expect(it.list()).toEqual([`other-server ${OTHER}`])
  })

  test('what machines choose, also without a port of its own', async () => {
    const it = await lab({ deaf: true })
    it.watch.start()
    it.watch.sawChoice(dhcp('request', { server: OTHER }))
    await it.lan.settle()
    expect([it.list().toSorted(), it.asked]).toEqual([[`other-server ${OTHER}`, 'watch-deaf '], []])
    expect(it.alarms.list().find(({ code }) => code === 'other-server')?.details['serverMac']).toBe(OTHER_MAC)
    expect(it.log.lines[0]).toMatchObject({ level: 'warn', reason: 'watch-deaf', fields: { why: 'the port is taken' } })
  })

  test('a server elsewhere, which a machine behind a relay agent chose, is named and not looked for', async () => {
    const it = await lab()
    it.watch.sawChoice(dhcp('request', { server: '192.0.2.7', giaddr: '10.78.0.1' }))
    await it.lan.settle()
    expect([it.list(), it.probe.asked]).toEqual([['other-server 192.0.2.7'], []])
  })

  test('nothing of the servers that the site names', async () => {
    const it = await lab({ others: [ip(OTHER)] })
    it.say(offer({}))
    it.watch.sawChoice(dhcp('request', { server: OTHER }))
    await it.lan.settle()
    expect(it.list()).toEqual([])
  })
})

describe('in proxy mode', () => {
  test('silence is what is wrong, until a server answers', async () => {
    const it = await lab({ mode: 'proxy' })
    it.watch.start()
    it.clock.advance(ANSWER_MS)
    expect(it.list()).toEqual([])
    it.clock.advance(ANSWER_MS)
    expect(it.list()).toEqual(['no-other-server '])
    it.answer = question => offer(question)
    it.clock.advance(LOOK_EVERY_MS)
    await it.lan.settle()
    it.clock.advance(ANSWER_MS)
    expect(it.list()).toEqual(['no-other-server  over'])
  })

  test('an answer with boot data only gives no address', async () => {
    const it = await lab({ mode: 'proxy' })
    it.answer = question => ({ ...offer(question), yiaddr: ip('0.0.0.0'), file: 'x.efi' })
    it.watch.start()
    for (let wait = 0; wait < 2; wait += 1) {
      await it.lan.settle()
      it.clock.advance(ANSWER_MS)
    }
    expect(it.list().toSorted()).toEqual(['no-other-server ', `other-boot-server ${OTHER}`])
  })
})

describe('a hostile wire', () => {
  test('a flood of forged servers is a bounded number of alarms, lines and look-ups', async () => {
    const it = await lab()
    for (let last = 0; last < 2000; last += 1) it.say(offer({ xid: last }, `10.77.0.${2 + (last % 250)}`))
    await it.lan.settle()
    expect(it.alarms.list()).toHaveLength(SUBJECTS_MOST + 1)
    expect(it.log.lines.length).toBeLessThanOrEqual(SUBJECTS_MOST + 1)
    expect(it.probe.asked.length).toBeLessThan(100)
  })

  test('any datagram is survived', async () => {
    const it = await lab()
    const sender = await it.lan.open({ device: 'sender', address: ip('0.0.0.0'), port: 67 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => sender.send(bytes, { address: EVERYBODY, port: 68 })),
      { numRuns: 300 },
    )
    await it.lan.settle()
    it.say(offer({}))
    await it.lan.settle()
    expect(it.list()).toContain(`other-server ${OTHER}`)
  })
})
