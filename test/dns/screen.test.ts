import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Screened, screen } from '../../services/dns/screen.ts'
import { walkName } from '../../services/dns/name.ts'
import { ask, nameOctets, TYPES } from './rig.ts'

const query = ask({ name: 'node1.rack7.example.org' })

function changed(message: Uint8Array, offset: number, ...octets: number[]): Uint8Array {
  const copy = Uint8Array.from(message)
  copy.set(octets, offset)
  return copy
}

function withAdditionals(count: number, octets: number[]): Uint8Array {
  return Uint8Array.from([...changed(query, 11, count), ...octets])
}

const OPT = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]

test('an ordinary query is read: name, type, class and where its question ends', () => {
  expect(screen(ask({ name: 'Node1.rack7.example.org', type: TYPES.TXT }))).toEqual({
    verdict: 'parse',
    question: { name: 'Node1.rack7.example.org', key: 'node1.rack7.example.org', type: 16, class: 1, end: 41 },
  })
})

test.each<[string, Uint8Array, Screened]>([
  ['J02 nothing at all', new Uint8Array(0), { verdict: 'silence', reason: 'runt' }],
  ['J02 eleven octets', query.subarray(0, 11), { verdict: 'silence', reason: 'runt' }],
  ['J01 a response is not answered', changed(query, 2, 0x81), { verdict: 'silence', reason: 'not-a-query' }],
  ['J34 NOTIFY', changed(query, 2, 4 << 3), { verdict: 'reply', rcode: 4, reason: 'opcode' }],
  ['J34 UPDATE', changed(query, 2, 5 << 3), { verdict: 'reply', rcode: 4, reason: 'opcode' }],
  [
    'J03 STATUS with an empty question',
    changed(query, 2, 2 << 3).subarray(0, 12),
    { verdict: 'reply', rcode: 4, reason: 'opcode' },
  ],
  ['J04 no question', changed(query, 5, 0), { verdict: 'reply', rcode: 1, reason: 'question-count' }],
  ['J04 two questions', changed(query, 5, 2), { verdict: 'reply', rcode: 1, reason: 'question-count' }],
  ['a header and no question behind it', query.subarray(0, 12), { verdict: 'reply', rcode: 1, reason: 'message-size' }],
  [
    'a datagram of 4097 octets',
    new Uint8Array(4097).fill(0).fill(1, 5, 6),
    { verdict: 'reply', rcode: 1, reason: 'message-size' },
  ],
  ['J05 65535 answers claimed', changed(query, 6, 255, 255), { verdict: 'reply', rcode: 1, reason: 'section-count' }],
  [
    'J05 65535 authorities claimed',
    changed(query, 8, 255, 255),
    { verdict: 'reply', rcode: 1, reason: 'section-count' },
  ],
  [
    'J05 65535 additionals claimed',
    changed(query, 10, 255, 255),
    { verdict: 'reply', rcode: 1, reason: 'section-count' },
  ],
  [
    'the question name is a pointer to itself',
    changed(query, 12, 0xc0, 12),
    { verdict: 'reply', rcode: 1, reason: 'compressed-question' },
  ],
  ['a label points to the header', changed(query, 18, 0xc0, 0), { verdict: 'reply', rcode: 1, reason: 'bad-name' }],
  ['a label length of 64', changed(query, 12, 64), { verdict: 'reply', rcode: 1, reason: 'bad-name' }],
  ['the name runs past the end', query.subarray(0, 30), { verdict: 'reply', rcode: 1, reason: 'bad-name' }],
  ['the class is missing', query.subarray(0, query.length - 2), { verdict: 'reply', rcode: 1, reason: 'bad-record' }],
  [
    'J05 an additional record is claimed and missing',
    changed(query, 11, 1),
    { verdict: 'reply', rcode: 1, reason: 'bad-record' },
  ],
  ['an OPT under a name', withAdditionals(1, [1, 97, ...OPT]), { verdict: 'reply', rcode: 1, reason: 'bad-record' }],
  [
    'an OPT longer than the message',
    withAdditionals(1, [...OPT.slice(0, 9), 0, 1]),
    { verdict: 'reply', rcode: 1, reason: 'bad-record' },
  ],
  ['J21 two OPT records', withAdditionals(2, [...OPT, ...OPT]), { verdict: 'reply', rcode: 1, reason: 'two-opt' }],
  [
    'J34 AXFR',
    ask({ name: 'rack7.example.org', type: TYPES.AXFR }),
    { verdict: 'reply', rcode: 5, reason: 'zone-transfer' },
  ],
  [
    'J34 IXFR with its SOA in the authority section',
    changed(ask({ name: 'rack7.example.org', type: TYPES.IXFR }), 9, 1),
    { verdict: 'reply', rcode: 5, reason: 'zone-transfer' },
  ],
])('%s', (_, message, verdict) => {
  expect(screen(message)).toEqual(verdict)
})

test.each<[string, number[], string | undefined]>([
  ['a pointer forwards', [0xc0, 2, 1, 97, 0], undefined],
  ['a pointer to itself', [0xc0, 0], undefined],
  ['two pointers at each other', [0xc0, 2, 0xc0, 0], undefined],
  ['half a pointer', [1, 97, 0xc0], undefined],
  [
    '254 octets and the root make 255',
    [...Array.from({ length: 127 }, () => [1, 97]).flat(), 0],
    Array(127).fill('a').join('.'),
  ],
  ['one label more makes 257', [...Array.from({ length: 128 }, () => [1, 97]).flat(), 0], undefined],
  ['63 octets in a label', [63, ...Array<number>(63).fill(98), 0], 'b'.repeat(63)],
  ['the root', [0], ''],
])('J06 a name of %s', (_, octets, name) => {
  expect(walkName(Uint8Array.from(octets), 0)?.name).toBe(name)
})

test('J06 a name that points backwards, and back again, is read to its end', () => {
  const message = Uint8Array.from([3, 99, 111, 109, 0, 1, 98, 0xc0, 0, 1, 97, 0xc0, 5])
  expect(walkName(message, 9)).toEqual({ name: 'a.b.com', next: 13, compressed: true })
})

test('J07 a label that holds a dot is not two labels, and one that holds NUL does not end there', () => {
  const read = (labels: string[]) => walkName(Uint8Array.from(nameOctets(labels)), 0)!.name
  expect(read(['a.b', 'c'])).not.toBe(read(['a', 'b', 'c']))
  expect(read(['node1\0x'])).not.toBe(read(['node1']))
})

/** Every pair of octets points to the pair before, down to a root name. */
function chainOfPointers(length: number): Uint8Array {
  const message = new Uint8Array(2 * length + 2)
  for (let offset = 2; offset < message.length; offset += 2)
    message.set([0xc0 | ((offset - 2) >> 8), (offset - 2) & 255], offset)
  return message
}

test('J06 a chain of 126 pointers is the longest that is followed', () => {
  expect(walkName(chainOfPointers(126), 252)).toEqual({ name: '', next: 254, compressed: true })
  expect(walkName(chainOfPointers(127), 254)).toBeUndefined()
  expect(walkName(chainOfPointers(2047), 4094)).toBeUndefined()
})

test('any octets get a verdict', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), message => {
      expect(['parse', 'reply', 'silence']).toContain(screen(message).verdict)
    }),
    { numRuns: 2000 },
  )
})

test('a query with any octets behind its header gets a verdict', () => {
  const header = query.subarray(0, 12)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(3), (body, additionals) => {
      const message = changed(Uint8Array.from([...header, ...body]), 11, additionals)
      expect(['parse', 'reply']).toContain(screen(message).verdict)
    }),
    { numRuns: 2000 },
  )
})
