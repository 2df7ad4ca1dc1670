import { expect, test } from 'vitest'
import { NAME, rack, replyTo, respond, UPSTREAMS } from './rack.ts'
import { ask, OTHER_MACHINE, prefix, read } from './rig.ts'

test('J28 a foreign name is asked upstream, from another port and with another ID each time', async () => {
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

test('J29 the same question from many is asked upstream once, and each gets its own ID and spelling', async () => {
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
])('J28 a reply with %s is dropped, and the right one after it counts', async (_, spoil) => {
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

test('J28 a reply from another address or port is dropped', async () => {
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

test('J30 the next upstream is asked when one is silent, and all silent end in SERVFAIL within four seconds', async () => {
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
])('J27 %s never leaves the house', async (name, rcode) => {
  const { lan, client, upstream } = await rack({ forward: UPSTREAMS })
  const heard = await upstream('up1', (question, send) => send(replyTo(question)))
  const machine = await client()
  machine.send(ask({ name }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).rcode)).toEqual([rcode])
  expect(heard).toEqual([])
})

test('J31 a client that is not allowed, and a query without RD, are not forwarded', async () => {
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

test('a resolver that was silent is asked last for half a minute', async () => {
  const { lan, client, upstream, clock } = await rack({ forward: UPSTREAMS })
  const first = await upstream('up1', () => {})
  const second = await upstream('up2', (question, send) => send(respond(question.bytes, {})))
  const machine = await client()
  const asks = async (): Promise<[number, number]> => {
    machine.send(ask({ name: 'www.example.com' }))
    for (let step = 0; step < 13; step += 1) {
      await lan.settle()
      clock.advance(100)
    }
    return [first.length, second.length]
  }
  expect(await asks()).toEqual([1, 1])
  expect(await asks()).toEqual([1, 2])
  clock.advance(30_000)
  expect(await asks()).toEqual([2, 3])
})

test('one client that asks for many foreign names leaves room for the others', async () => {
  const { lan, client, meter } = await rack({ forward: UPSTREAMS })
  const greedy = await client('one')
  for (let index = 0; index < 200; index += 1) greedy.send(ask({ name: `host${index}.example.com` }))
  const other = await client('two')
  other.send(ask({ name: 'www.example.com' }))
  await lan.settle()
  expect(greedy.heard.map(bytes => read(bytes).rcode)).toEqual(Array(72).fill(2))
  expect(other.heard).toEqual([])
  expect(meter.read('rackrise_dns_')).toEqual({
    'rackrise_dns_decisions_total{reason="forwarder-full"}': 72,
    rackrise_dns_upstream_questions: 129,
  })
})

test('upstream is never asked by more than 512 sockets at once', async () => {
  const clients = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`c${at}`, `10.77.0.${20 + at}`]))
  const { lan, client, meter } = await rack({ forward: UPSTREAMS })
  for (const [device, address] of Object.entries(clients)) lan.setAddress(device, address as never)
  for (const device of Object.keys(clients)) {
    const machine = await client(device)
    for (let index = 0; index < 128; index += 1) machine.send(ask({ name: `${device}-${index}.example.com` }))
  }
  await lan.settle()
  const asked = lan.frames.filter(({ device, to }) => device === 'lan0' && to.port === 53)
  expect(new Set(asked.map(({ from }) => from.port)).size).toBe(512)
  expect(meter.read('rackrise_dns_decisions')).toEqual({ 'rackrise_dns_decisions_total{reason="forwarder-full"}': 128 })
})
