import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decode, encode, encodeWithin, limitsFor } from '../../services/dhcp/codec.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { OPTION } from '../../services/dhcp/options.ts'
import { ipv4FromNumber } from '../../services/kit/ipv4.ts'
import { dhcp, hex, ip, text } from './messages.ts'

const ROOMY = { maxBytes: 1472 }
const OPTIONS_AT = 240

/** A DISCOVER whose options field holds exactly these octets. */
function wire(options: number[], patch: (bytes: Uint8Array) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(OPTIONS_AT + options.length)
  bytes.set([1, 1, 6, 0, 0, 0, 0x12, 0x34])
  bytes.set([0xbc, 0x24, 0x11, 0xab, 0x12, 0x21], 28)
  bytes.set([99, 130, 83, 99], 236)
  bytes.set(options, OPTIONS_AT)
  patch(bytes)
  return bytes
}

function decoded(bytes: Uint8Array): DhcpMessage {
  const message = decode(bytes)
  if (isMalformed(message)) throw new Error(message.malformed)
  return message
}

test.each<[string, Uint8Array, string]>([
  ['A01 an empty datagram is dropped', new Uint8Array(), 'too-short'],
  ['A01 one octet short of a cookie is dropped', wire([]).subarray(0, 239), 'too-short'],
  ['A02 a wrong magic cookie is dropped', wire([53, 1, 1, 255], b => b.set([98], 236)), 'no-magic-cookie'],
  ['A03 an op that is neither request nor reply is dropped', wire([53, 1, 1, 255], b => b.set([3], 0)), 'unknown-op'],
  ['A07 an option that runs past the buffer', wire([53, 1, 1, 12, 200, 65]), 'truncated-option'],
  ['A07 an option without a length octet', wire([53, 1, 1, 12]), 'truncated-option'],
  [
    'A07 an option that runs past the file field',
    wire([53, 1, 1, 52, 1, 1, 255], b => b.set([12, 200], 108)),
    'truncated-option',
  ],
  ['A12 a hardware address of 17 octets', wire([53, 1, 1, 255], b => b.set([17], 2)), 'hardware-address-too-long'],
])('%s', (_, bytes, malformed) => {
  expect(decode(bytes)).toEqual({ malformed })
})

test('A03 a reply at the server port is told from a request', () => {
  expect(decoded(wire([53, 1, 2, 255], b => b.set([2], 0))).op).toBe('reply')
})

test('A04 flags other than BROADCAST are ignored on input and zero from us', () => {
  const stray = decoded(wire([53, 1, 1, 255], b => b.set([0x7f, 0xff], 10)))
  expect(stray.broadcast).toBe(false)
  expect([...encode(stray, ROOMY).subarray(10, 12)]).toEqual([0, 0])
  const set = decoded(wire([53, 1, 1, 255], b => b.set([0xff, 0xff], 10)))
  expect(set.broadcast).toBe(true)
  expect([...encode(set, ROOMY).subarray(10, 12)]).toEqual([0x80, 0])
})

test('A05 pad and end carry no length octet', () => {
  expect([...decoded(wire([0, 0, 53, 1, 1, 0, 255])).options.keys()]).toEqual([53])
})

test('A06 unknown options are skipped by their length', () => {
  const message = decoded(wire([224, 3, 53, 1, 9, 53, 1, 1, 255]))
  expect(hex(message, 224)).toBe('350109')
  expect(hex(message, 53)).toBe('01')
})

test('A08 bytes after end are ignored and a missing end is tolerated', () => {
  expect([...decoded(wire([53, 1, 1, 255, 12, 200])).options.keys()]).toEqual([53])
  expect([...decoded(wire([53, 1, 1])).options.keys()]).toEqual([53])
})

test('A09 instances of one option are joined in order', () => {
  expect(text(decoded(wire([12, 2, 110, 111, 53, 1, 1, 12, 2, 100, 101, 255])), 12)).toBe('node')
})

test('A10 overload adds options from file, then from sname', () => {
  const message = decoded(
    wire([53, 1, 1, 52, 1, 3, 12, 1, 97, 255], b => {
      b.set([12, 1, 98, 255], 108)
      b.set([12, 1, 99, 255], 44)
    }),
  )
  expect(text(message, 12)).toBe('abc')
  expect([message.file, message.sname]).toEqual(['', ''])
})

test('A11 an overload option inside file is not followed', () => {
  const message = decoded(
    wire([53, 1, 1, 52, 1, 1, 255], b => {
      b.set([52, 1, 3, 255], 108)
      b.set([110, 111, 100, 101], 44)
    }),
  )
  expect(message.sname).toBe('node')
  expect([...message.options.keys()]).toEqual([53])
})

test('A12 chaddr uses only hlen octets', () => {
  const message = decoded(wire([53, 1, 1, 255], b => b.fill(0xee, 34, 44)))
  expect(Buffer.from(message.chaddr).toString('hex')).toBe('bc2411ab1221')
})

test('A15 the shortest message has 300 octets, A19 it ends with end and zeros', () => {
  const bytes = encode(dhcp('discover'), ROOMY)
  expect(bytes.length).toBe(300)
  expect([...bytes.subarray(240, 244)]).toEqual([53, 1, 1, 255])
  expect(bytes.subarray(244).every(octet => octet === 0)).toBe(true)
})

test.each<[string, number | undefined, number]>([
  ['A16 without option 57 a datagram has 576 octets', undefined, 548],
  ['A16 option 57 counts the headers', 1472, 1444],
  ['A16 OVMF asks for 65280 and gets what the interface carries', 65_280, 1472],
  ['A17 an option 57 below 576 is taken as 576', 300, 548],
])('%s', (_, maxSize, maxBytes) => {
  expect(limitsFor(dhcp('discover', maxSize === undefined ? {} : { maxSize }), 1500)).toEqual({ maxBytes })
})

test('A16 what does not fit moves to file and sname, and the rest is left out and named', () => {
  const message = dhcp('offer', {
    options: [
      [43, new Uint8Array(200)],
      [66, new Uint8Array(120)],
      [67, new Uint8Array(60)],
      [12, new Uint8Array(200)],
      [82, Uint8Array.of(1, 2, 3)],
    ],
  })
  const { bytes, dropped } = encodeWithin(message, { maxBytes: 548 })
  expect(bytes.length).toBeLessThanOrEqual(548)
  expect(dropped).toEqual([12])
  expect([...decoded(bytes).options.keys()].sort((a, b) => a - b)).toEqual([43, 53, 66, 67, 82])
  expect([...bytes.subarray(240, 246)]).toEqual([53, 1, 2, 52, 1, 1])
})

test('A16 the note of an overload has its room too', () => {
  const options: [number, Uint8Array][] = [
    [43, new Uint8Array(200)],
    [66, new Uint8Array(100)],
    [12, new Uint8Array(60)],
  ]
  const { bytes, dropped } = encodeWithin(dhcp('offer', { options }), { maxBytes: 548 })
  expect([bytes.length <= 548, dropped]).toEqual([true, []])
})

test('A16 a boot file keeps its field when options overflow', () => {
  const message = {
    ...dhcp('offer', {
      options: [
        [43, new Uint8Array(250)],
        [12, new Uint8Array(60)],
      ],
    }),
    file: 'snponly.efi',
  }
  const { bytes, dropped } = encodeWithin(message, { maxBytes: 548 })
  expect(dropped).toEqual([])
  expect(decoded(bytes)).toEqual(message)
})

test('A18 a value of more than 255 octets is split and joined again', () => {
  const value = Uint8Array.from({ length: 600 }, (_, i) => i & 255)
  const message = dhcp('offer', { options: [[121, value]] })
  const bytes = encode(message, ROOMY)
  expect([bytes[243], bytes[244], bytes[500], bytes[501], bytes[757], bytes[758]]).toEqual([
    121, 255, 121, 255, 121, 90,
  ])
  expect(decoded(bytes)).toEqual(message)
})

test('A25 file and sname are NUL-terminated even at full length', () => {
  const message = { ...dhcp('offer'), file: 'f'.repeat(127), sname: 's'.repeat(63) }
  const bytes = encode(message, ROOMY)
  expect([bytes[235], bytes[107]]).toEqual([0, 0])
  expect(decoded(bytes)).toEqual(message)
  expect(() => encode({ ...message, file: 'f'.repeat(128) }, ROOMY)).toThrow(RangeError)
})

test('G01 room for option 82 is set aside before other options take it', () => {
  const options: [number, Uint8Array][] = [
    [82, new Uint8Array(100)],
    [43, new Uint8Array(180)],
    [12, new Uint8Array(60)],
  ]
  const message = { ...dhcp('offer', { options }), file: 'snponly.efi' }
  const { bytes, dropped } = encodeWithin(message, { maxBytes: 548 })
  expect([bytes.length <= 548, dropped]).toEqual([true, []])
  expect(decoded(bytes)).toEqual(message)
})

test('G01 option 82 stands last, in options only, byte for byte', () => {
  const circuit = Uint8Array.of(1, 4, 0, 1, 2, 3)
  const message = dhcp('offer', {
    options: [
      [82, circuit],
      [12, new Uint8Array(200)],
      [43, new Uint8Array(120)],
    ],
  })
  const { bytes } = encodeWithin(message, { maxBytes: 548 })
  expect(Buffer.from(bytes).includes(Buffer.from([82, 6, 1, 4, 0, 1, 2, 3, 255]))).toBe(true)
  expect(bytes.indexOf(82, 240)).toBeGreaterThan(240)
})

const anyAddress = fc.integer({ min: 0, max: 0xffffffff }).map(ipv4FromNumber)
const anyText = (maxLength: number) =>
  fc.array(fc.integer({ min: 1, max: 255 }), { maxLength }).map(list => String.fromCharCode(...list))
const anyOptions = fc
  .uniqueArray(
    fc.tuple(
      fc.integer({ min: 1, max: 254 }).filter(code => code !== OPTION.overload),
      fc.uint8Array({ maxLength: 300 }),
    ),
    { selector: ([code]) => code, maxLength: 12 },
  )
  .map(entries => new Map(entries))

const anyMessage: fc.Arbitrary<DhcpMessage> = fc.record({
  op: fc.constantFrom('request', 'reply'),
  htype: fc.integer({ min: 0, max: 255 }),
  chaddr: fc.uint8Array({ maxLength: 16 }),
  hops: fc.integer({ min: 0, max: 255 }),
  xid: fc.integer({ min: 0, max: 0xffffffff }),
  secs: fc.integer({ min: 0, max: 0xffff }),
  broadcast: fc.boolean(),
  ciaddr: anyAddress,
  yiaddr: anyAddress,
  siaddr: anyAddress,
  giaddr: anyAddress,
  sname: anyText(63),
  file: anyText(127),
  options: anyOptions,
})

test('A26 decode(encode(m)) = m for every message that can be built', () => {
  fc.assert(
    fc.property(anyMessage, fc.constantFrom(548, 1472, 9000), (message, maxBytes) => {
      const { bytes, dropped } = encodeWithin(message, { maxBytes })
      const kept = new Map([...message.options].filter(([code]) => !dropped.includes(code)))
      expect(bytes.length).toBeLessThanOrEqual(maxBytes)
      expect(decode(bytes)).toEqual({ ...message, options: kept })
    }),
  )
})

test('A26 nothing is dropped where there is room', () => {
  fc.assert(
    fc.property(anyMessage, message => {
      expect(decode(encode(message, { maxBytes: 9000 }))).toEqual(message)
    }),
  )
})

test('A26 decode never throws for random bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1600 }), bytes => {
      expect(decode(bytes)).toBeTypeOf('object')
    }),
  )
})

test('A26 decode never throws for random bytes behind a good header', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 0, max: 16 }), (tail, hlen) => {
      const bytes = wire([...tail], b => b.set([hlen], 2))
      const message = decode(bytes)
      expect(isMalformed(message) ? message.malformed : message.chaddr.length).toSatisfy(
        (seen: unknown) => seen === 'truncated-option' || seen === hlen,
      )
    }),
  )
})

test('a message decoded from a view into a larger buffer is what stands in that view', () => {
  const large = new Uint8Array(400).fill(0xff)
  large.set(wire([12, 4, 110, 111, 100, 101, 255]), 50)
  const message = decoded(large.subarray(50, 50 + 247))
  expect(text(message, 12)).toBe('node')
  expect([message.xid, message.ciaddr]).toEqual([decoded(wire([255])).xid, ip('0.0.0.0')])
  expect([...message.options.keys()]).toEqual([...decoded(wire([12, 4, 110, 111, 100, 101, 255])).options.keys()])
})
