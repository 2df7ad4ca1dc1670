import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DnsFact, startDns } from '../../services/dns/server.ts'
import type { Datagram } from '../../services/kit/datagram-port.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { FakeMeter } from '../fake/meter.ts'
import { ask, fleet, MACHINE, OTHER_MACHINE, prefix, read, recordingLog, site, STRANGER, TYPES } from './rig.ts'

const SERVER = '10.77.0.1' as Ipv4
const UPSTREAMS = ['10.77.0.53', '10.77.0.54'] as Ipv4[]
const NAME = 'node1.rack7.example.org'

async function rack(dns: Parameters<typeof site>[0] = {}, view = fleet()) {
  const lan = new FakeLan({
    lan0: SERVER,
    one: MACHINE,
    two: OTHER_MACHINE,
    far: STRANGER,
    up1: UPSTREAMS[0]!,
    up2: UPSTREAMS[1]!,
  })
  const clock = new FakeClock()
  const log = recordingLog()
  const meter = new FakeMeter()
  const facts: DnsFact[] = []
  const udp = await lan.open({ device: 'lan0', address: SERVER, port: 53 })
  const server = await startDns({
    udp,
    openUpstream: lan.open,
    site: site(dns),
    view,
    clock,
    log,
    meter,
    tell: fact => facts.push(fact),
  })
  const client = async (device = 'one') => {
    const port = await lan.open({ device, address: lan.addressOf(device), port: 0 })
    const heard: Uint8Array[] = []
    port.onDatagram(({ bytes }) => heard.push(bytes))
    return { heard, send: (bytes: Uint8Array) => port.send(bytes, { address: SERVER, port: 53 }) }
  }
  /** An upstream resolver that does with each question what the test says. */
  const upstream = async (device: string, answer: (question: Datagram, send: (bytes: Uint8Array) => void) => void) => {
    const port = await lan.open({ device, address: lan.addressOf(device), port: 53 })
    const heard: Datagram[] = []
    port.onDatagram(datagram => {
      heard.push(datagram)
      answer(datagram, bytes => port.send(bytes, datagram.from))
    })
    return heard
  }
  return { lan, clock, log, meter, facts, server, client, upstream }
}

/** The question sent back as a reply with one address; `change` spoils it. */
function replyTo({ bytes }: Datagram, change: (reply: Uint8Array) => void = () => {}): Uint8Array {
  const end = bytes.length - 11
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 80]
  const reply = Uint8Array.from([...bytes.subarray(0, end), ...record, ...bytes.subarray(end)])
  reply[2] = 0x81
  reply[3] = 0x80
  reply[7] = 1
  change(reply)
  return reply
}

test('a machine asks and is told', async () => {
  const { lan, client } = await rack()
  const machine = await client()
  machine.send(ask({ name: NAME, id: 7 }))
  await lan.settle()
  expect(machine.heard.map(read)).toMatchObject([{ id: 7, rcode: 0, answers: [`${NAME}. 300 A 10.77.0.11`] }])
})

test('the timeline hears what an installer was told, and that another was not', async () => {
  const { lan, client, facts } = await rack()
  const text = ask({ name: 'proxmox-auto-installer.rack7.example.org', type: TYPES.TXT })
  ;(await client('one')).send(text)
  await lan.settle()
  ;(await client('two')).send(text)
  await lan.settle()
  expect(facts).toEqual([
    { fact: 'answer-asked', client: MACHINE, name: 'url', given: true },
    { fact: 'answer-asked', client: OTHER_MACHINE, name: 'url', given: false },
  ])
})

test('every length of a query, from nothing to whole, is survived', async () => {
  const { lan, client } = await rack()
  const machine = await client()
  const whole = ask({ name: NAME, edns: {} })
  for (let length = 0; length <= whole.length; length += 1) machine.send(whole.subarray(0, length))
  await lan.settle()
  // Nothing for up to eleven octets, FORMERR for the rest, the answer for the whole.
  expect(machine.heard).toHaveLength(whole.length - 11)
  expect(machine.heard.slice(0, -1).map(bytes => read(bytes).rcode)).toEqual(Array(whole.length - 12).fill(1))
  expect(read(machine.heard.at(-1)!).answers).toHaveLength(1)
})

test('random datagrams, and random changes of a query, are survived', async () => {
  const { lan, client } = await rack()
  const machine = await client()
  const whole = ask({ name: NAME, type: TYPES.TXT, edns: { options: [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8] } })
  const place = fc.tuple(fc.nat(whole.length - 1), fc.nat(255))
  const spoiled = fc.array(place, { minLength: 1, maxLength: 6 }).map(places => {
    const message = Uint8Array.from(whole)
    for (const [offset, octet] of places) message[offset] = octet
    return message
  })
  for (const message of fc.sample(fc.oneof(fc.uint8Array({ maxLength: 120 }), spoiled), 3000)) machine.send(message)
  machine.heard.length = 0
  await lan.settle()
  for (const reply of machine.heard) expect(reply[2]! & 0x80).toBe(0x80)
  machine.heard.length = 0
  machine.send(ask({ name: NAME }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).answers.length)).toEqual([1])
})

test('a datagram from port 0 is not answered', async () => {
  const sent: number[] = []
  let receive: (datagram: Datagram) => void = () => {}
  const log = recordingLog()
  await startDns({
    udp: {
      local: { address: SERVER, port: 53 },
      onDatagram: next => {
        receive = next
      },
      send: (_, to) => sent.push(to.port),
      close: async () => {},
    },
    openUpstream: async () => expect.unreachable(),
    site: site(),
    view: fleet(),
    clock: new FakeClock(),
    log,
    meter: new FakeMeter(),
  })
  receive({ bytes: ask({ name: NAME }), from: { address: MACHINE, port: 0 } })
  receive({ bytes: ask({ name: NAME }), from: { address: MACHINE, port: 1 } })
  expect(sent).toEqual([1])
  expect(log.lines[0]).toBe('debug dns: the source port is 0, nobody can hear a reply')
})

test('a view that fails costs one question, not the server', async () => {
  let fails = true
  const view = fleet({
    addressOf: () => {
      if (fails) throw new Error('the registry is closed')
      return MACHINE
    },
  })
  const { lan, client, log } = await rack({}, view)
  const machine = await client()
  machine.send(ask({ name: NAME }))
  await lan.settle()
  expect(log.lines).toContain('error dns could not answer a question')
  fails = false
  machine.send(ask({ name: NAME }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).rcode)).toEqual([0])
})

test('a foreign name is asked upstream, from another port and with another ID each time', async () => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS })
  const heard = await upstream('up1', (question, send) => send(replyTo(question)))
  const machine = await client()
  for (let index = 0; index < 8; index += 1) machine.send(ask({ name: `Host${index}.example.com`, id: index }))
  await lan.settle()
  const replies = machine.heard.map(read)
  expect(replies.map(reply => reply.answers[0])).toEqual(
    Array.from({ length: 8 }, (_, index) => `Host${index}.example.com. 60 A 203.0.113.80`),
  )
  expect(replies.map(reply => reply.id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect(replies[0]).toMatchObject({ flags: ['qr', 'rd', 'ra'] })
  expect(new Set(heard.map(({ from }) => from.port)).size).toBe(8)
  expect(new Set(heard.map(({ bytes }) => read(bytes).id)).size).toBeGreaterThan(6)
})

test('an asker without EDNS gets none from upstream, and one with EDNS does', async () => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS })
  await upstream('up1', (question, send) => send(replyTo(question)))
  const machine = await client()
  machine.send(ask({ name: 'a.example.com' }))
  machine.send(ask({ name: 'b.example.com', edns: {} }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).opt?.payload)).toEqual([undefined, 1232])
})

test('an upstream reply that is too long for the asker says so', async () => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS })
  await upstream('up1', (question, send) => {
    const reply = replyTo(question)
    const record = reply.subarray(reply.length - 27, reply.length - 11)
    const long = Uint8Array.from([
      ...reply.subarray(0, -11),
      ...Array.from({ length: 40 }, () => [...record]).flat(),
      ...reply.subarray(-11),
    ])
    long[7] = 41
    send(long)
  })
  const machine = await client()
  machine.send(ask({ name: 'a.example.com' }))
  await lan.settle()
  expect(machine.heard.map(read)).toMatchObject([{ rcode: 0, answers: [], flags: ['qr', 'tc', 'rd', 'ra'] }])
})

test('the same question from many is asked upstream once, and each gets its own ID and spelling', async () => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS })
  const waiting: (() => void)[] = []
  const heard = await upstream('up1', (question, send) => waiting.push(() => send(replyTo(question))))
  const one = await client('one')
  const two = await client('two')
  one.send(ask({ name: 'www.example.com', id: 1 }))
  two.send(ask({ name: 'WWW.example.com', id: 2 }))
  await lan.settle()
  expect(heard).toHaveLength(1)
  for (const reply of waiting) reply()
  await lan.settle()
  expect(one.heard.map(read)).toMatchObject([{ id: 1, question: 'www.example.com. A' }])
  expect(two.heard.map(read)).toMatchObject([{ id: 2, question: 'WWW.example.com. A' }])
})

test.each<[string, (reply: Uint8Array) => void]>([
  ['another ID', reply => void (reply[0]! ^= 1)],
  ['another name', reply => void (reply[13] = 0x78)],
  ['another type', reply => void (reply[12 + 18] = 28)],
  ['QR clear', reply => void (reply[2] = 0x01)],
  ['no question', reply => void (reply[5] = 0)],
])('a reply with %s is dropped, and the right one after it counts', async (_, spoil) => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS })
  await upstream('up1', (question, send) => {
    const forged = replyTo(question, spoil)
    forged[forged.length - 12] = 66
    send(forged)
    send(replyTo(question))
  })
  const machine = await client()
  machine.send(ask({ name: 'www.example.com' }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).answers)).toEqual([['www.example.com. 60 A 203.0.113.80']])
})

test('a reply from another address or port is dropped', async () => {
  const { lan, client, upstream, clock } = await rack({ forward: UPSTREAMS })
  const forger = await lan.open({ device: 'two', address: OTHER_MACHINE, port: 53 })
  const otherPort = await lan.open({ device: 'up1', address: UPSTREAMS[0]!, port: 5353 })
  await upstream('up1', question => {
    forger.send(replyTo(question), question.from)
    otherPort.send(replyTo(question), question.from)
  })
  const machine = await client()
  machine.send(ask({ name: 'www.example.com' }))
  await lan.settle()
  expect(machine.heard).toEqual([])
  expect(clock.pendingTimers).toBe(1)
})

test('the next upstream is asked when one is silent, and all silent end in SERVFAIL within four seconds', async () => {
  const { lan, client, upstream, clock } = await rack({ forward: UPSTREAMS })
  const first = await upstream('up1', () => {})
  const second = await upstream('up2', () => {})
  const machine = await client()
  machine.send(ask({ name: 'www.example.com' }))
  for (let step = 0; step < 39; step += 1) {
    await lan.settle()
    clock.advance(100)
  }
  await lan.settle()
  expect([first.length, second.length]).toEqual([2, 1])
  expect(machine.heard.map(read)).toMatchObject([{ rcode: 2, answers: [], flags: ['qr', 'rd', 'ra'] }])
  expect(clock.pendingTimers).toBe(0)
})

test('an upstream that refuses is passed over', async () => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS })
  await upstream('up1', (question, send) => send(replyTo(question, reply => void (reply[3] = 0x85))))
  await upstream('up2', (question, send) => send(replyTo(question)))
  const machine = await client()
  machine.send(ask({ name: 'www.example.com' }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).rcode)).toEqual([0])
})

test.each([
  ['localhost', 0],
  ['nothing.invalid', 3],
  ['my.test', 3],
  ['1.1.168.192.in-addr.arpa', 3],
  [NAME, 0],
])('%s never leaves the house', async (name, rcode) => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS })
  const heard = await upstream('up1', (question, send) => send(replyTo(question)))
  const machine = await client()
  machine.send(ask({ name }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).rcode)).toEqual([rcode])
  expect(heard).toEqual([])
})

test('a client that is not allowed, and a query without RD, are not forwarded', async () => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS, allow: [prefix('10.77.0.11/32')] })
  const heard = await upstream('up1', (question, send) => send(replyTo(question)))
  const two = await client('two')
  const far = await client('far')
  const one = await client('one')
  two.send(ask({ name: 'www.example.com' }))
  far.send(ask({ name: NAME }))
  one.send(ask({ name: 'www.example.com', flags: 0 }))
  await lan.settle()
  expect([two, far, one].map(({ heard: [reply] }) => read(reply!).rcode)).toEqual([5, 5, 5])
  expect(heard).toEqual([])
})

test('malformed upstream replies end in SERVFAIL, not in a broken reply', async () => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS })
  for (const device of ['up1', 'up2'])
    await upstream(device, (question, send) => send(replyTo(question, reply => void (reply[9] = 200))))
  const machine = await client()
  machine.send(ask({ name: 'www.example.com' }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).rcode)).toEqual([2])
})

test('closing ends questions that wait', async () => {
  const { lan, client, clock, server } = await rack({ forward: UPSTREAMS })
  const machine = await client()
  machine.send(ask({ name: 'www.example.com' }))
  await lan.settle()
  await server.close()
  expect(clock.pendingTimers).toBe(0)
})
