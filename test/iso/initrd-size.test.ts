import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memoryNeeded, openCatalogue } from '../../services/iso/catalogue.ts'
import { measureInitrd } from '../../services/iso/initrd-size.ts'
import { notesIn } from '../../services/iso/notes.ts'
import { silentLog } from '../../services/kit/log.ts'
import { CD_INFO, smallImage } from './small-image.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-initrd-'))
})
afterEach(() => rm(folder, { recursive: true }))

const PLAIN = Buffer.alloc(1_000_000, 'installer ')
const ZSTD = zstdCompressSync(PLAIN)
const GZIP = gzipSync(PLAIN)
const never = new AbortController().signal

async function measure(bytes: Uint8Array): Promise<number | undefined> {
  const path = join(folder, 'image')
  // As it lies in an image: something before it, something behind it.
  await writeFile(path, Buffer.concat([Buffer.alloc(2048, 1), bytes, Buffer.alloc(2048, 2)]))
  return measureInitrd(path, { path: '/boot/initrd.img', offset: 2048, length: bytes.length }, never)
}

test.each<[string, Uint8Array, number | undefined]>([
  ['zstd, as Proxmox has it', ZSTD, 1_000_000],
  ['gzip, as older releases have it', GZIP, 1_000_000],
  ['two archives one after the other', Buffer.concat([ZSTD, ZSTD]), 2_000_000],
  ['padded with zeros', Buffer.concat([ZSTD, Buffer.alloc(512)]), 1_000_000],
  ['an archive as it is', Buffer.from('070701'.padEnd(2000, '0')), 2000],
  ['xz, which is not read here', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2]), undefined],
  ['zstd that was cut', ZSTD.subarray(0, 40), undefined],
  ['gzip with damage', Buffer.concat([GZIP.subarray(0, 200), Buffer.alloc(200, 9), GZIP.subarray(400)]), undefined],
  ['nothing', Buffer.alloc(0), undefined],
])('%s', async (_, bytes, unpacked) => {
  expect(await measure(bytes)).toBe(unpacked)
})

test('what unpacks without end is given up at 1 GiB', async () => {
  // 64 MiB of zeros have a few KiB, so that twenty of them fit everywhere.
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 ** 2))
  expect(await measure(Buffer.concat(Array.from({ length: 20 }, () => bomb)))).toBeUndefined()
}, 30_000)

test('a measurement that is broken off rejects', async () => {
  const path = join(folder, 'image')
  await writeFile(path, ZSTD)
  const place = { path: '/boot/initrd.img', offset: 0, length: ZSTD.length }
  await expect(measureInitrd(path, place, AbortSignal.abort(new Error('stopped')))).rejects.toThrow()
})

test('the catalogue measures each image once, keeps that, and says the memory exactly from then on', async () => {
  const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
  const image = smallImage({
    files: [{ name: '.cd-info', text: CD_INFO }],
    folders: [
      {
        name: 'boot',
        files: [
          { name: 'linux26', text: 'kernel' },
          { name: 'initrd.img', text: latin1(ZSTD) },
        ],
      },
    ],
    latin1: true,
  })
  await writeFile(join(folder, 'a.iso'), image)
  await writeFile(join(folder, 'b.iso'), Buffer.from('no image'))
  const notes = notesIn(join(folder, 'state'))
  const catalogue = await openCatalogue(folder, silentLog, { notes })
  const [before] = catalogue.entries()
  // Kernel and initrd are not in the image that travels: a sector each.
  const iso = image.length - 2 * 2048
  expect(memoryNeeded(before!)).toBe(iso + ZSTD.length + 2 * (iso + 4 * ZSTD.length))
  expect([await catalogue.measureNext(never), await catalogue.measureNext(never)]).toEqual([true, false])
  const [after] = catalogue.entries()
  expect(after!.unpackedInitrd).toBe(1_000_000)
  expect(memoryNeeded(after!)).toBe(iso + ZSTD.length + 2 * (iso + 1_000_000))
  const again = await openCatalogue(folder, silentLog, { notes })
  expect(again.entries()[0]!.unpackedInitrd).toBe(1_000_000)
  expect(await again.measureNext(never)).toBe(false)
})

test('an initrd that cannot be measured is tried once', async () => {
  const boot = [
    { name: 'linux26', text: 'k' },
    { name: 'initrd.img', text: 'xz' },
  ]
  const files = [{ name: '.cd-info', text: CD_INFO }]
  await writeFile(join(folder, 'a.iso'), smallImage({ files, folders: [{ name: 'boot', files: boot }] }))
  const catalogue = await openCatalogue(folder, silentLog)
  expect([await catalogue.measureNext(never), await catalogue.measureNext(never)]).toEqual([true, false])
})
