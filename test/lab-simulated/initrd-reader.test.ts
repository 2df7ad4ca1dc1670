import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InitrdReader } from '../../services/lab/simulated/initrd-reader.ts'
import { IsoReader } from '../../services/lab/simulated/iso-reader.ts'
import { writeIso } from '../../services/lab/stand-in/iso-writer.ts'

const MODE = 'mode = "http"\n'

/** An image of a folder tree, written by the lab's own writer; enough files that the root folder is longer than a sector. */
function image(): Buffer {
  const fillers = Array.from({ length: 60 }, (_, index) => ({
    path: `a-file-with-a-long-name-${index}.txt`,
    content: Buffer.alloc(3000, index),
  }))
  const segments = writeIso(
    [
      { path: 'auto-installer-mode.toml', content: Buffer.from(MODE) },
      { path: 'boot/linux26', content: Buffer.alloc(5000, 1) },
      ...fillers,
    ],
    'PVE',
  )
  return Buffer.concat(segments.map(segment => (segment.from === 'memory' ? segment.bytes : Buffer.alloc(0))))
}

function member(name: string, content: Uint8Array): Buffer {
  const fields = [1, 0o100644, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0].map(value =>
    value.toString(16).padStart(8, '0'),
  )
  const head = Buffer.from(`070701${fields.join('')}${name}\0`)
  return Buffer.concat([
    head,
    Buffer.alloc((4 - (head.length % 4)) % 4),
    content,
    Buffer.alloc((4 - (content.length % 4)) % 4),
  ])
}

const TRAILER = member('TRAILER!!!', new Uint8Array())
const ZSTD = Buffer.from('28b52ffd00000000', 'hex')
const ISO = image()
const WRAPPED = Buffer.concat([member('proxmox.iso', ISO), TRAILER, ZSTD])

function read(bytes: Uint8Array, chunk = 65_536) {
  const reader = new InitrdReader(['auto-installer-mode.toml', '.cd-info'])
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk))
  return reader.finish()
}

describe('the ISO wrapped in front of the initrd', () => {
  test.each([7, 110, 2047, 65_536, 10_000_000])('is read in chunks of %i bytes', chunk => {
    const found = read(WRAPPED, chunk)
    expect(found).toMatchObject({ ok: true, isoBytes: ISO.length })
    expect(found.ok && [...found.files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual([
      ['auto-installer-mode.toml', MODE],
    ])
  })

  test.each<[string, Buffer, string]>([
    ['nothing wrapped', ZSTD, 'the initrd ends in the middle of its cpio archive'],
    ['something else', Buffer.alloc(200, 65), 'the initrd is no cpio archive with the ISO in it'],
    [
      'no initrd behind it',
      Buffer.concat([member('proxmox.iso', ISO), TRAILER]),
      'nothing follows the ISO: the original initrd is missing, so there is no init',
    ],
    [
      'an initrd off its boundary',
      Buffer.concat([member('proxmox.iso', ISO), TRAILER, Buffer.alloc(1), ZSTD]),
      'the original initrd does not begin on a 4-byte boundary',
    ],
    [
      'rubbish behind it',
      Buffer.concat([member('proxmox.iso', ISO), TRAILER, Buffer.from('rubbish!')]),
      'what follows the ISO is nothing that the kernel can unpack',
    ],
    [
      'another file only',
      Buffer.concat([member('x', ISO), TRAILER, ZSTD]),
      'the initrd has no proxmox.iso: no device with valid ISO found',
    ],
    [
      'no ISO inside',
      Buffer.concat([member('proxmox.iso', Buffer.alloc(40_000)), TRAILER, ZSTD]),
      'proxmox.iso is no ISO 9660 image',
    ],
    [
      'half an ISO',
      Buffer.concat([member('proxmox.iso', ISO.subarray(0, 100_000)), TRAILER, ZSTD]),
      `proxmox.iso has 100000 bytes, its volume ${ISO.length}`,
    ],
    ['a broken length', Buffer.from(`070701${'zzzzzzzz'.repeat(13)}`), 'the cpio archive has a broken header'],
  ])('%s is refused', (_, bytes, reason) => {
    expect(read(bytes)).toEqual({ ok: false, reason })
  })

  test('random bytes and random damage never make it throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        bytes => void [read(bytes), read(Buffer.concat([member('proxmox.iso', bytes), TRAILER, bytes]))],
      ),
    )
    fc.assert(
      fc.property(fc.nat(40_000), fc.uint8Array({ maxLength: 40 }), (at, bytes) => {
        const damaged = Buffer.from(ISO)
        damaged.set(bytes, 32_768 + at)
        const reader = new IsoReader(['auto-installer-mode.toml'])
        reader.push(damaged)
        reader.finish()
      }),
      { numRuns: 100 },
    )
  })
})
