import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameStream, relayFrames } from '../../services/lab/qemu/frame-relay.ts'
import { isTftpRead, withoutMarks } from '../../services/lab/qemu/unmarked.ts'
import { PassThrough } from 'node:stream'

/** Ethernet, IPv4 without options, UDP; the checksum of IPv4 is not looked at. */
function frame(port: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(14 + 20 + 8)
  bytes.writeUInt16BE(0x0800, 12)
  bytes[14] = 0x45
  bytes.writeUInt16BE(28 + payload.length, 16)
  bytes[23] = 17
  bytes.set([0, 0, 0, 0, 255, 255, 255, 255], 26)
  bytes.writeUInt16BE(68, 34)
  bytes.writeUInt16BE(port, 36)
  bytes.writeUInt16BE(8 + payload.length, 38)
  return Buffer.concat([bytes, payload])
}

function dhcp(options: string): Buffer {
  return frame(67, Buffer.concat([Buffer.alloc(236), Buffer.from('63825363', 'hex'), Buffer.from(options, 'hex')]))
}

function optionsOf(bytes: Buffer): string {
  return bytes.subarray(42 + 240).toString('hex')
}

/** RFC 768, over a whole frame: 0xFFFF when the checksum in it is right. */
function sumOf(bytes: Buffer): number {
  const udp = bytes.subarray(34)
  const words = Buffer.concat([
    bytes.subarray(26, 34),
    Buffer.from([0, 17]),
    udp.subarray(4, 6),
    udp,
    Buffer.alloc(udp.length % 2),
  ])
  let sum = 0
  for (let at = 0; at < words.length; at += 2) sum += words.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

const read = frame(69, Buffer.from('\0\x01undionly.kpxe\0octet\0', 'latin1'))

test.each([
  [
    'a discover of iPXE loses user class and iPXE options',
    '350101' + '4d0469505845' + 'af03b00101' + '3d0101' + 'ff',
    '350101' + '00'.repeat(11) + '3d0101' + 'ff',
  ],
  ['what looks like a mark inside another option stays', '3c044d026950' + 'ff', '3c044d026950' + 'ff'],
  ['an option that runs over the end is blanked to the end', '4dff6950', '00000000'],
  ['nothing behind the end option is touched', 'ff4d0169', 'ff4d0169'],
])('%s', (_, before, after) => {
  const changed = withoutMarks(dhcp(before))
  expect(optionsOf(changed)).toBe(after)
  expect(changed.length).toBe(dhcp(before).length)
})

test('the boot server at port 4011 does not hear of iPXE either', () => {
  const asked = Buffer.from(dhcp('4d0169ff'))
  asked.writeUInt16BE(4011, 36)
  expect(optionsOf(withoutMarks(asked))).toBe('000000ff')
})

test('the checksum is right afterwards, for odd and even lengths', () => {
  expect(sumOf(withoutMarks(dhcp('4d0169ff')))).toBe(0xffff)
  expect(sumOf(withoutMarks(dhcp('4d016900ff')))).toBe(0xffff)
})

test('a request without marks is the same frame', () => {
  const plain = dhcp('350101ff')
  expect(withoutMarks(plain)).toBe(plain)
})

test('a TFTP read request is told from an acknowledgement and from DHCP', () => {
  expect(isTftpRead(read)).toBe(true)
  expect(isTftpRead(frame(69, Buffer.from('00040000', 'hex')))).toBe(false)
  expect(isTftpRead(dhcp('350101ff'))).toBe(false)
})

test('any bytes at all are taken, and the length stays', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, wrapped) => {
      const any = wrapped ? dhcp(Buffer.from(bytes).toString('hex')) : Buffer.from(bytes)
      expect(withoutMarks(any).length).toBe(any.length)
      expect(isTftpRead(any)).toBeTypeOf('boolean')
    }),
  )
})

function framed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

test('frames are the same however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 50 }),
      (frames, size) => {
        const all = Buffer.concat(frames.map(bytes => framed(Buffer.from(bytes))))
        const stream = new FrameStream()
        const out: string[] = []
        for (let at = 0; at < all.length; at += size) {
          for (const whole of stream.take(all.subarray(at, at + size))) out.push(whole.toString('hex'))
        }
        expect(out).toEqual(frames.map(bytes => Buffer.from(bytes).toString('hex')))
      },
    ),
  )
})

test('a length that cannot be one is an error', () => {
  expect(() => new FrameStream().take(Buffer.from('7fffffff', 'hex'))).toThrow(RangeError)
})

test('marks are taken out until the loader is asked for, and again after a reset', () => {
  const out = new PassThrough()
  const back = new PassThrough()
  let loaders = 0
  const relay = relayFrames(out, back, () => (loaders += 1))
  const send = (bytes: Buffer): string => {
    out.emit('data', framed(bytes))
    return optionsOf(back.read().subarray(4))
  }
  const marked = dhcp('4d0469505845ff')
  expect(send(marked)).toBe('000000000000ff')
  send(read)
  send(read)
  expect(send(marked)).toBe('4d0469505845ff')
  expect(loaders).toBe(1)
  relay.bootBegins()
  expect(send(marked)).toBe('000000000000ff')
})
