import { expect, test } from 'vitest'
import { address, alias, NAME, rack, record, respond, type Sections, soa, UPSTREAMS } from './rack.ts'
import { type Ask, ask, fleet, nameOctets, read, type Told, TYPES } from './rig.ts'

/** An upstream resolver that says the same to every question, until `says` is changed. */
async function saying(first: Sections, askTcp?: Parameters<typeof rack>[2]) {
  const all = await rack({ forward: UPSTREAMS }, fleet(), askTcp)
  const resolver = { says: first }
  const heard = await all.upstream('up1', (question, send) => send(respond(question.bytes, resolver.says)))
  const machine = await all.client()
  const told = async (question: Ask): Promise<Told | undefined> => {
    machine.send(ask(question))
    await all.lan.settle()
    const reply = machine.heard.shift()
    return reply && read(reply)
  }
  return { ...all, heard, resolver, told }
}

test('an answer is asked for once while its TTL runs, which counts down', async () => {
  const { clock, heard, told, resolver } = await saying({ answers: [address('www.example.com', 60, '203.0.113.80')] })
  const question = { name: 'www.example.com' }
  const seen = []
  for (const wait of [0, 1000, 999, 1, 57_999]) {
    clock.advance(wait)
    seen.push((await told(question))?.answers)
  }
  const at = (ttl: number): string[] => [`www.example.com. ${ttl} A 203.0.113.80`]
  expect(seen).toEqual([at(60), at(59), at(59), at(58), at(1)])
  expect(heard).toHaveLength(1)
  resolver.says = { answers: [address('www.example.com', 60, '203.0.113.81')] }
  clock.advance(1)
  expect((await told(question))?.answers).toEqual(['www.example.com. 60 A 203.0.113.81'])
  expect(heard).toHaveLength(2)
})

test.each<[string, Sections, number[]]>([
  ['a missing name for as long as MINIMUM says', { rcode: 3, authorities: [soa('example.com', 60, 30)] }, [29_999, 1]],
  ['a missing type for as long as the SOA lives', { authorities: [soa('example.com', 20, 30)] }, [19_999, 1]],
  ['five minutes at most', { rcode: 3, authorities: [soa('example.com', 3600, 3600)] }, [299_999, 1]],
  ['not at all without SOA', { rcode: 3 }, [0]],
  ['not at all with TTL 0', { answers: [address('www.example.com', 0, '203.0.113.80')] }, [0]],
  ['a day at most', { answers: [address('www.example.com', 1_000_000, '203.0.113.80')] }, [86_399_999, 1]],
  ['not at all with the highest bit set', { answers: [address('www.example.com', 0x80000000, '203.0.113.80')] }, [0]],
])('what upstream says is kept: %s', async (_, says, waits) => {
  const { clock, heard, told } = await saying(says)
  const counts = []
  await told({ name: 'www.example.com' })
  for (const wait of waits) {
    clock.advance(wait)
    await told({ name: 'www.example.com' })
    counts.push(heard.length)
  }
  expect(counts).toEqual(waits.map((_, at) => (at === waits.length - 1 ? 2 : 1)))
})

test('an answer is given to its own question only: other types, names, DO and CD are asked again', async () => {
  const { heard, told } = await saying({})
  const name = 'www.example.com'
  const questions: Ask[] = [
    { name },
    { name, type: TYPES.AAAA },
    { name: 'ww.example.com' },
    { name, edns: { dnssec: true } },
    { name, flags: 0x0110 },
  ]
  for (const question of questions) await told(question)
  expect(heard).toHaveLength(questions.length)
})

test('records that were not asked for are neither kept nor passed on', async () => {
  const { told, heard, resolver } = await saying({
    answers: [alias('www.example.com', 60, 'cdn.example.net'), address('cdn.example.net', 60, '203.0.113.80')],
    authorities: [record('example.com', TYPES.NS, 60, nameOctets('ns.evil.example'))],
    additionals: [address('ns.evil.example', 60, '203.0.113.66'), address('bank.example', 60, '203.0.113.66')],
  })
  expect(await told({ name: 'www.example.com' })).toMatchObject({
    answers: ['www.example.com. 60 CNAME cdn.example.net.', 'cdn.example.net. 60 A 203.0.113.80'],
    authorities: [],
  })
  resolver.says = { rcode: 3 }
  expect(await told({ name: 'bank.example' })).toMatchObject({ rcode: 3, answers: [] })
  expect(await told({ name: 'cdn.example.net' })).toMatchObject({ rcode: 3, answers: [] })
  expect(heard).toHaveLength(3)
})

test.each<[string, Sections]>([
  ['brings a record of another name', { answers: [address('bank.example', 60, '203.0.113.66')] }],
  [
    'aliases in a circle',
    { answers: [alias('www.example.com', 60, 'a.example.com'), alias('a.example.com', 60, 'www.example.com')] },
  ],
  ['has a class that was not asked for', { answers: [address('www.example.com', 60, '203.0.113.80').with(20, 3)] }],
  ['ends in the middle of a name', { answers: [record('www.example.com', TYPES.CNAME, 60, [3, 97])] }],
])('a reply that %s is not used, and the next resolver is asked', async (_, says) => {
  const { told, heard, ...all } = await saying(says)
  const second = await all.upstream('up2', (question, send) =>
    send(respond(question.bytes, { answers: [address('www.example.com', 60, '203.0.113.80')] })),
  )
  expect((await told({ name: 'www.example.com' }))?.answers).toEqual(['www.example.com. 60 A 203.0.113.80'])
  expect([heard.length, second.length]).toEqual([1, 1])
})

test('what an alias says about a name of ours is not listened to', async () => {
  const { told } = await saying({
    answers: [alias('www.example.com', 60, NAME), address(NAME, 60, '203.0.113.66')],
  })
  expect((await told({ name: 'www.example.com' }))?.answers).toEqual([`www.example.com. 60 CNAME ${NAME}.`])
})

test('a reply that was cut is asked for again over TCP, and is whole from then on', async () => {
  const many = Array.from({ length: 100 }, (_, at) => address('www.example.com', 60, `203.0.113.${at}`))
  const asked: [string, number][] = []
  const { told, server, heard } = await saying({ truncated: true }, async (to, message, patienceMs) => {
    asked.push([to, patienceMs])
    return respond(message, { answers: many })
  })
  expect(await told({ name: 'www.example.com' })).toMatchObject({ answers: [], flags: ['qr', 'tc', 'rd', 'ra'] })
  expect(asked).toEqual([[UPSTREAMS[0], 1200]])
  // The client comes back over TCP, where the kept answer is given whole.
  expect(await told({ name: 'www.example.com', edns: { payload: 4096 } })).toMatchObject({ answers: [], rcode: 0 })
  expect([asked.length, heard.length]).toEqual([1, 1])
  await server.close()
})

test('a reply that was cut and does not come over TCP either ends in SERVFAIL', async () => {
  const { told, meter, ...all } = await saying({ truncated: true })
  await all.upstream('up2', (question, send) => send(respond(question.bytes, { rcode: 5 })))
  expect(await told({ name: 'www.example.com' })).toMatchObject({ rcode: 2, answers: [] })
  expect(meter.read('rackrise_dns_decisions')).toEqual({
    'rackrise_dns_decisions_total{reason="upstream-failed"}': 1,
  })
})

test('an alias that leaves our zones is followed upstream, and what upstream said of it is kept', async () => {
  const { told, heard } = await saying({
    answers: [alias('www.example.com', 60, 'cdn.example.net'), address('cdn.example.net', 60, '203.0.113.80')],
  })
  const whole = [
    'Away.rack7.example.org. 300 CNAME www.example.com.',
    'www.example.com. 60 CNAME cdn.example.net.',
    'cdn.example.net. 60 A 203.0.113.80',
  ]
  const asking = { name: 'Away.rack7.example.org' }
  expect(await told(asking)).toMatchObject({ rcode: 0, answers: whole, flags: ['qr', 'aa', 'rd', 'ra'] })
  expect((await told(asking))?.answers).toEqual(whole)
  expect((await told({ name: 'www.example.com' }))?.answers).toEqual(whole.slice(1))
  expect(heard.map(({ bytes }) => read(bytes).question)).toEqual(['www.example.com. A'])
  // Without RD it wants what is known here.
  expect((await told({ ...asking, flags: 0 }))?.answers).toEqual(whole.slice(0, 1))
})

test('an alias that leaves our zones to a missing name is NXDOMAIN, with the alias', async () => {
  const { told } = await saying({ rcode: 3, authorities: [soa('example.com', 60, 30)] })
  expect(await told({ name: 'away.rack7.example.org' })).toMatchObject({
    rcode: 3,
    answers: ['away.rack7.example.org. 300 CNAME www.example.com.'],
    authorities: ['example.com. 60 SOA ns.example.com. admin.example.com. 1 2 3 4 30'],
  })
})

test('names inside records are written out, whatever upstream compressed', async () => {
  const mx = [0xc0, 12, 0, TYPES.MX, 0, 1, 0, 0, 0, 60, 0, 9, 0, 10, 4, 109, 97, 105, 108, 0xc0, 16]
  const { told } = await saying({ answers: [mx] })
  expect((await told({ name: 'www.example.com', type: TYPES.MX }))?.answers).toEqual([
    'www.example.com. 60 MX 10 mail.example.com.',
  ])
})

test('a type that nobody knows is passed on octet by octet', async () => {
  const { told } = await saying({ answers: [record('www.example.com', 65_280, 60, [0xc0, 12, 1, 2])] })
  expect((await told({ name: 'www.example.com', type: 65_280 }))?.answers).toEqual([
    'www.example.com. 60 65280 c00c0102',
  ])
})
