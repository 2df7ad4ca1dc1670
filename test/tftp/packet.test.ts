import fc from 'fast-check'
import { expect, test } from 'vitest'
import { catalogueName } from '../../services/tftp/catalogue.ts'
import { negotiate } from '../../services/tftp/options.ts'
import { decodePacket, encodePacket, type TftpOption, type TftpPacket } from '../../services/tftp/packet.ts'

const octets = (...parts: (number | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap(part => (typeof part === 'number' ? [part] : [...Buffer.from(part, 'latin1')])))

test.each<[string, Uint8Array, TftpPacket | undefined]>([
  ['nothing', octets(), undefined],
  ['one octet', octets(0), undefined],
  ['three octets', octets(0, 4, 0), undefined],
  ['an opcode that nobody knows', octets(0, 9, 0, 0), undefined],
  ['ACK', octets(0, 4, 1, 2), { op: 'ack', block: 258 }],
  ['DATA without octets', octets(0, 3, 0, 9), { op: 'data', block: 9, payload: new Uint8Array(0) }],
  ['ERROR', octets(0, 5, 0, 8, 'User aborted', 0), { op: 'error', code: 8, text: 'User aborted' }],
  ['ERROR whose text has no end', octets(0, 5, 0, 0, 'bye'), { op: 'error', code: 0, text: 'bye' }],
  ['RRQ', octets(0, 1, 'snponly.efi', 0, 'octet', 0), { op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] }],
  ['WRQ', octets(0, 2, 'x', 0, 'OCTET', 0), { op: 'wrq', name: 'x', mode: 'OCTET', options: [] }],
  ['RRQ without a mode', octets(0, 1, 'snponly.efi', 0), undefined],
  ['RRQ whose mode has no end', octets(0, 1, 'a', 0, 'octet'), undefined],
  [
    'RRQ of OVMF',
    octets(0, 1, 'snponly.efi', 0, 'octet', 0, 'tsize', 0, '0', 0, 'blksize', 0, '1468', 0, 'windowsize', 0, '4', 0),
    {
      op: 'rrq',
      name: 'snponly.efi',
      mode: 'octet',
      options: [
        ['tsize', '0'],
        ['blksize', '1468'],
        ['windowsize', '4'],
      ],
    },
  ],
  [
    'RRQ with an option that has no value and octets behind it',
    octets(0, 1, 'a', 0, 'octet', 0, 'blksize', 0, '1024', 0, 'tsize', 0, 0xff, 0xff),
    { op: 'rrq', name: 'a', mode: 'octet', options: [['blksize', '1024']] },
  ],
  [
    'RRQ with the same option twice',
    octets(0, 1, 'a', 0, 'octet', 0, 'blksize', 0, '1024', 0, 'BLKSIZE', 0, '8', 0),
    { op: 'rrq', name: 'a', mode: 'octet', options: [['blksize', '1024']] },
  ],
  ['RRQ with a name of 513 octets', octets(0, 1, 'a'.repeat(513), 0, 'octet', 0), undefined],
])('%s', (_, bytes, packet) => {
  expect(decodePacket(bytes)).toEqual(packet)
})

test('any octets give a packet or nothing', () => {
  fc.assert(
    fc.property(fc.nat(7), fc.uint8Array({ maxLength: 200 }), (opcode, rest) => {
      const packet = decodePacket(octets(0, opcode, ...rest))
      if (rest.length < 2) expect(packet).toBeUndefined()
    }),
    { numRuns: 2000 },
  )
})

const text = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map(code => String.fromCharCode(code)), maxLength: 20 })
const options = fc
  .uniqueArray(fc.tuple(text, text), { maxLength: 6, selector: ([name]) => name.toLowerCase() })
  .map(pairs => pairs.filter(([name]) => name !== ''))
const packets: fc.Arbitrary<TftpPacket> = fc.oneof(
  fc.record({ op: fc.constantFrom('rrq' as const, 'wrq' as const), name: text, mode: text, options }),
  fc.record({ op: fc.constant('data' as const), block: fc.nat(0xffff), payload: fc.uint8Array() }),
  fc.record({ op: fc.constant('ack' as const), block: fc.nat(0xffff) }),
  fc.record({ op: fc.constant('error' as const), code: fc.nat(8), text }),
)

test('what is encoded is decoded the same', () => {
  fc.assert(
    fc.property(packets, packet => {
      expect(decodePacket(Uint8Array.from(encodePacket(packet)))).toEqual(packet)
    }),
  )
})

test.each<[string, TftpOption[], TftpOption[]]>([
  [
    'OVMF',
    [
      ['tsize', '0'],
      ['blksize', '1468'],
      ['windowsize', '4'],
    ],
    [
      ['tsize', '90000'],
      ['blksize', '1468'],
      ['windowsize', '4'],
    ],
  ],
  [
    'iPXE',
    [
      ['blksize', '1432'],
      ['tsize', '0'],
    ],
    [
      ['blksize', '1432'],
      ['tsize', '90000'],
    ],
  ],
  ['K10 names in capitals keep their spelling', [['BlkSize', '1024']], [['BlkSize', '1024']]],
  ['K13 more than a frame holds', [['blksize', '65464']], [['blksize', '1468']]],
  ['K13 less than 8', [['blksize', '7']], []],
  [
    'no number',
    [
      ['blksize', '1e3'],
      ['windowsize', '-1'],
      ['timeout', ''],
      ['tsize', 'x'],
    ],
    [],
  ],
  ['K15 timeout 1', [['timeout', '1']], [['timeout', '1']]],
  ['K15 timeout 255', [['timeout', '255']], [['timeout', '255']]],
  ['K15 timeout 0', [['timeout', '0']], []],
  ['K15 timeout 256', [['timeout', '256']], []],
  ['K16 a window of 65535 blocks', [['windowsize', '65535']], [['windowsize', '64']]],
  ['K16 a window of 0 blocks', [['windowsize', '0']], []],
  ['rollover', [['rollover', '1']], [['rollover', '1']]],
  ['rollover to 2', [['rollover', '2']], []],
  [
    'K10 options that nobody knows',
    [
      ['multicast', ''],
      ['utimeout', '10'],
      ['__proto__', '1'],
    ],
    [],
  ],
])('options: %s', (_, asked, offered) => {
  expect(negotiate(asked, 1500, 90_000).offered).toEqual(offered)
})

test.each([
  [576, 544],
  [1280, 1248],
  [9000, 8968],
])('K13 an MTU of %i leaves %i octets for a block', (mtu, size) => {
  expect(negotiate([['blksize', '65464']], mtu, 1).blockSize).toBe(size)
})

test('a window is at most a quarter of a mebioctet', () => {
  expect(
    negotiate(
      [
        ['windowsize', '64'],
        ['blksize', '65464'],
      ],
      65_536,
      1,
    ).windowSize,
  ).toBe(4)
})

test.each<[string, string, string | undefined]>([
  ['a plain name', 'snponly.efi', 'snponly.efi'],
  ['a leading slash', '/snponly.efi', 'snponly.efi'],
  ['several slashes', '//boot///x', 'boot/x'],
  ['a Windows ROM', '\\boot\\undionly.kpxe', 'boot/undionly.kpxe'],
  ['the end option and what lay behind it', 'undionly.kpxe\xff\x2a\x00', 'undionly.kpxe'],
  ['0xFF alone at the end', 'undionly.kpxe\xff', 'undionly.kpxe'],
  ['a line end', 'undionly.kpxe\r\n', 'undionly.kpxe'],
  ['blanks at the end', 'undionly.kpxe  ', 'undionly.kpxe'],
  ['a dot folder', './undionly.kpxe', 'undionly.kpxe'],
  ['a climb', '../etc/passwd', undefined],
  ['a climb in the middle', 'a/../../etc/passwd', undefined],
  ['a climb with backslashes', '..\\..\\etc\\passwd', undefined],
  ['two dots inside a name', 'a..b', 'a..b'],
  ['nothing', '', undefined],
  ['slashes only', '///', undefined],
  ['nothing before the garbage', '\xff\xff', undefined],
  ['256 characters', 'a'.repeat(256), undefined],
])('K19 catalogue name: %s', (_, raw, name) => {
  expect(catalogueName(raw)).toBe(name)
})

test('K19 a catalogue name never climbs and never begins at the root', () => {
  const piece = fc.constantFrom('..', '.', '/', '\\', 'a', '\xff', '\0', ' ', 'etc')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const name = catalogueName(pieces.join(''))
      expect(name?.startsWith('/') ?? false).toBe(false)
      expect(name?.split('/').includes('..') ?? false).toBe(false)
    }),
  )
})
