/** TFTP as port 69 sees it: octets in, and a name, terms or a refusal out. */
import { catalogueName } from '../../../services/tftp/catalogue.ts'
import { negotiate } from '../../../services/tftp/options.ts'
import { decodePacket, encodePacket, type TftpPacket, type TftpRequest } from '../../../services/tftp/packet.ts'
import { hold, type Target } from '../target.ts'
import { capturedPayloads } from './captured.ts'

const MTU = 1500
const MAX_BLOCK_BYTES = 1468
const MAX_WINDOW_BYTES = 256 * 1024
const FILE_BYTES = 173_792
/** Five options with their values: an OACK is no way to make a datagram larger. */
const MAX_OACK_BYTES = 96

const words = (...texts: string[]) => texts.map(text => Uint8Array.from(Buffer.from(text, 'latin1')))

const WORDS = [
  ...[1, 2, 3, 4, 5, 6].map(opcode => Uint8Array.of(0, opcode)),
  ...words(
    'octet\0',
    'OCTET\0',
    'netascii\0',
    'mail\0',
    '\0',
    '\0\0',
    '\xff',
    '/',
    '\\',
    '..',
    '../',
    '..\\',
    './',
    ' ',
  ),
  ...words(
    'blksize\0',
    'tsize\0',
    'timeout\0',
    'windowsize\0',
    'rollover\0',
    'BlkSize\0',
    'multicast\0',
    '__proto__\0',
  ),
  ...words(
    '0\0',
    '1\0',
    '7\0',
    '8\0',
    '255\0',
    '256\0',
    '1468\0',
    '65464\0',
    '65535\0',
    '-1\0',
    '1e3\0',
    '999999999999999\0',
  ),
  ...words('a'.repeat(255), 'a'.repeat(512), `${'/'.repeat(200)}x`),
]

const seed = (name: string, ...rest: string[]): Uint8Array =>
  Uint8Array.from(Buffer.from(['\0\x01' + name, 'octet', ...rest, ''].join('\0'), 'latin1'))

function holdsForRequest({ op, name, mode, options }: TftpRequest): string {
  hold(
    'strings are bounded',
    [name, mode, ...options.flat()].every(text => text.length <= 512 && !text.includes('\0')),
  )
  hold('options are few', options.length <= 16)
  const clean = catalogueName(name)
  if (clean !== undefined) {
    hold('a name is printable and bounded', /^[ -~]{1,255}$/.test(clean))
    hold('a name never climbs and never begins at the root', !clean.split('/').includes('..') && clean[0] !== '/')
  }
  const { blockSize, windowSize, retransmitMs, offered } = negotiate(options, MTU, FILE_BYTES)
  hold('a block fits into a frame', blockSize >= 8 && blockSize <= MAX_BLOCK_BYTES)
  hold('a window is bounded', windowSize >= 1 && windowSize <= 64 && windowSize * blockSize <= MAX_WINDOW_BYTES)
  hold(
    'a time-out is one to 255 seconds',
    retransmitMs === undefined || (retransmitMs >= 1000 && retransmitMs <= 255_000),
  )
  const asked = new Set(options.map(([option]) => option))
  hold(
    'nothing is offered that was not asked for, and nothing twice',
    offered.every(([option]) => asked.has(option)) &&
      new Set(offered.map(([option]) => option)).size === offered.length,
  )
  hold('an OACK is small', encodePacket({ op: 'oack', options: offered }).length <= MAX_OACK_BYTES)
  const accepted = offered.map(([option]) => option.toLowerCase()).toSorted()
  return [
    op,
    mode.toLowerCase() === 'octet' ? 'octet' : 'other',
    clean === undefined ? 'bad' : 'good',
    ...accepted,
  ].join(' ')
}

/** Octets as text: a Buffer and an array of the same octets are the same. */
function flat(packet: TftpPacket | undefined): string {
  if (packet?.op !== 'data') return JSON.stringify(packet)
  return JSON.stringify([packet.block, Buffer.from(packet.payload).toString('hex')])
}

function isSame(a: TftpPacket | undefined, b: TftpPacket): boolean {
  return a?.op === b.op && flat(a) === flat(b)
}

export const tftpTarget: Target = {
  name: 'tftp',
  seeds: () => [
    ...capturedPayloads(69),
    seed('\\boot\\undionly.kpxe\xff\x2a'),
    seed('snponly.efi', 'blksize', '65464', 'windowsize', '65535', 'timeout', '5', 'rollover', '1', 'tsize', '0'),
    Uint8Array.of(0, 4, 0, 0),
    Uint8Array.of(0, 5, 0, 8, ...Buffer.from('User aborted the transfer'), 0),
    Uint8Array.of(0, 3, 0, 1, 1, 2, 3),
    Uint8Array.of(0, 6, ...Buffer.from('blksize\x001468\x00')),
  ],
  words: WORDS,
  maxBytes: 1472,
  run(bytes) {
    const packet = decodePacket(bytes)
    if (!packet) return 'nothing'
    hold('four octets are the least', bytes.length >= 4)
    // An OACK without options would be a runt; the server sends none (K11).
    const isEmpty = packet.op === 'oack' && packet.options.length === 0
    hold('what was read is written and read again', isEmpty || isSame(decodePacket(encodePacket(packet)), packet))
    return packet.op === 'rrq' || packet.op === 'wrq' ? holdsForRequest(packet) : packet.op
  },
}
