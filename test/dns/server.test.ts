import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startDns } from '../../services/dns/server.ts'
import type { Datagram } from '../../services/kit/datagram-port.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeMeter } from '../fake/meter.ts'
import { NAME, rack, SERVER } from './rack.ts'
import { ask, fleet, MACHINE, OTHER_MACHINE, read, recordingLog, site, TYPES } from './rig.ts'

test('a machine asks and is told', async () => {
  const { lan, client } = await rack()
  const machine = await client()
  machine.send(ask({ name: NAME, id: 7 }))
  await lan.settle()
  expect(machine.heard.map(read)).toMatchObject([{ id: 7, rcode: 0, answers: [`${NAME}. 300 A 10.77.0.11`] }])
})

test.each([
  ['an hour', 3600, 300],
  ['fifteen minutes', 900, 300],
  ['two minutes', 120, 40],
  ['one second', 1, 0],
])('J33 a lease of %s gives its name a third of that, and five minutes at most', async (_, leaseSeconds, ttl) => {
  const { lan, client } = await rack({}, fleet(), undefined, { leaseSeconds })
  const machine = await client()
  machine.send(ask({ name: NAME }))
  machine.send(ask({ name: '11.0.77.10.in-addr.arpa', type: TYPES.PTR }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).answers)).toEqual([
    [`${NAME}. ${ttl} A 10.77.0.11`],
    [`11.0.77.10.in-addr.arpa. ${ttl} PTR ${NAME}.`],
  ])
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
  expect(log.lines[0]).toBe('debug the source port is 0, nobody can hear a reply')
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
  expect(log.lines).toContain('error a question could not be answered')
  fails = false
  machine.send(ask({ name: NAME }))
  await lan.settle()
  expect(machine.heard.map(bytes => read(bytes).rcode)).toEqual([0])
})
