import { expect, test } from 'vitest'
import { wrapInitrd } from '../../services/iso/initrd.ts'
import { type Segment, totalLength } from '../../services/kit/segments.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { bytesOf } from './bytes-of.ts'

const memory = (text: string): Segment => ({ from: 'memory', bytes: Buffer.from(text, 'latin1') })

test('the archive is the one that cpio -H newc writes, and the initrd follows on the next block', async () => {
  const wrapped = wrapInitrd([memory('ISO!?')], [memory('\x1f\x8binitrd')])
  const bytes = Buffer.from(await bytesOf(wrapped as Segment[])).toString('latin1')
  const header =
    '070701' + // magic
    '00000001' + // inode
    '00008124' + // mode 0100444
    '00000000' + // user
    '00000000' + // group
    '00000001' + // links
    '00000000' + // time
    '00000005' + // size
    '00000000'.repeat(4) + // devices
    '0000000C' + // length of the name with its zero
    '00000000' // checksum, unused
  expect(bytes.slice(0, 110)).toBe(header)
  expect(bytes.slice(110, 124)).toBe('proxmox.iso\0\0\0')
  expect(bytes.slice(124, 132)).toBe('ISO!?\0\0\0')
  expect(bytes.slice(132, 256)).toBe(
    `070701${'0'.repeat(32)}00000001${'0'.repeat(48)}0000000B00000000TRAILER!!!\0\0\0\0`,
  )
  expect(bytes.slice(256, 512)).toBe('\0'.repeat(256))
  expect(bytes.slice(512)).toBe('\x1f\x8binitrd')
})

test.each([0, 1, 2, 3, 4, 255, 256, 257, 2048])('an image of %d bytes leaves the initrd on a block', length => {
  const wrapped = wrapInitrd([{ from: 'file', path: 'x.iso', offset: 0, length }], [])
  expect(totalLength(wrapped as Segment[]) % 512).toBe(0)
})

test('the image itself stays on disk', () => {
  const iso: Segment = { from: 'file', path: 'x.iso', offset: 0, length: 1_840_000_000 }
  const wrapped = wrapInitrd([iso], [{ ...iso, offset: 4096, length: 55_000_000 }]) as Segment[]
  expect(wrapped.map(segment => segment.from)).toEqual(['memory', 'file', 'memory', 'file'])
})

test.each([
  ['4 GiB less one byte', 0xffff_ffff, 'fine'],
  ['4 GiB', 0x1_0000_0000, 'iso-too-large'],
])('%s', (_, length, outcome) => {
  const wrapped = wrapInitrd([{ from: 'file', path: 'x.iso', offset: 0, length }], [])
  expect(isProblem(wrapped) ? wrapped.code : 'fine').toBe(outcome)
})
