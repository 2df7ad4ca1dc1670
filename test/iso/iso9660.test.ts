import fc from 'fast-check'
import { expect, test } from 'vitest'
import { injectFiles } from '../../services/iso/inject.ts'
import { findFile, type IsoImage, readFile, readImage } from '../../services/iso/iso9660.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { proxmoxImage, readerOf, record, smallImage } from './small-image.ts'

const SECTOR = 2048
const ROOT = 19 * SECTOR

async function open(bytes: Uint8Array): Promise<IsoImage> {
  const image = await readImage(readerOf(bytes), bytes.length)
  if (isProblem(image)) throw new Error(image.message)
  return image
}

async function codeOf(bytes: Uint8Array): Promise<string> {
  const image = await readImage(readerOf(bytes), bytes.length)
  return isProblem(image) ? image.code : 'fine'
}

function changed(bytes: Uint8Array, offset: number, patch: number[]): Uint8Array {
  const copy = bytes.slice()
  copy.set(patch, offset)
  return copy
}

test('a file in a folder is found where its bytes are', async () => {
  const image = await open(proxmoxImage())
  // 19 root, 20 boot, 21 and 22 files of the root, 23 the kernel.
  expect(await findFile(image, '/boot/linux26')).toEqual({ path: '/boot/linux26', offset: 23 * SECTOR, length: 12 })
  expect(Buffer.from((await readFile(image, '/boot/linux26', 100))!).toString()).toBe('kernel bytes')
  expect(image.volumeId).toBe('PVE')
})

test.each([
  ['a file that is not there', '/boot/linux'],
  ['a folder', '/boot'],
  ['the root', '/'],
  ['a file as if it were a folder', '/.cd-info/x'],
  ['the folder above', '/boot/../.cd-info'],
  ['plain ISO names beside Rock Ridge', '/boot/LINUX26.;1'],
  ['a path that is deeper than any image', '/boot'.repeat(40)],
])('%s is not found', async (_, path) => {
  expect(await findFile(await open(proxmoxImage()), path)).toBeUndefined()
})

test('a text that is longer than allowed is not read', async () => {
  expect(await readFile(await open(proxmoxImage()), '/boot/linux26', 11)).toBeUndefined()
})

test('without Rock Ridge names are lower case and without version, as Linux shows them', async () => {
  const image = await open(smallImage({ files: [{ name: 'readme', text: 'x' }], rockRidge: false }))
  expect(image.primary.entries.map(({ name, kind }) => [name, kind])).toEqual([['readme', 'file']])
})

test('a name that continues in another sector is put together', async () => {
  const bytes = smallImage({
    files: [
      { name: 'abc', text: 'x' },
      { name: 'area', text: '' },
    ],
  })
  // abc: its NM entry says "continues", and a CE entry points to sector 21, bytes 8 to 16, where the rest is.
  const part = [0x4e, 0x4d, 8, 1, 1, 0x61, 0x62, 0x63]
  const area = [0x43, 0x45, 28, 1, 21, 0, 0, 0, 0, 0, 0, 21, 8, 0, 0, 0, 0, 0, 0, 8, 8, 0, 0, 0, 0, 0, 0, 8]
  const at = ROOT + rootLinksLength(bytes)
  const patched = changed(bytes, at, [...record([0x41], 20, 1, 0, [...part, ...area]), 0])
  const named = changed(patched, 21 * SECTOR + 8, [0x4e, 0x4d, 8, 1, 0, 0x2d, 0x64, 0x65])
  expect((await open(named)).primary.entries[0]!.name).toBe('abc-de')
})

function rootLinksLength(bytes: Uint8Array): number {
  return bytes[ROOT]! + bytes[ROOT + bytes[ROOT]!]!
}

test.each<[string, () => Uint8Array, string]>([
  ['an empty file', () => new Uint8Array(0), 'iso-not-iso9660'],
  ['a web page that was saved as ISO', () => Buffer.from('<html>'.repeat(10_000)), 'iso-not-iso9660'],
  ['a download that stopped', () => proxmoxImage().subarray(0, 22 * SECTOR), 'iso-truncated'],
  ['blocks of another size', () => changed(proxmoxImage(), 16 * SECTOR + 128, [0, 2]), 'iso-damaged'],
  ['a root outside the image', () => changed(proxmoxImage(), 16 * SECTOR + 158, [255, 255, 255, 255]), 'iso-damaged'],
  ['a root of nearly 4 GiB', () => changed(proxmoxImage(), 16 * SECTOR + 166, [0, 0, 0, 255]), 'iso-too-complex'],
  ['a root of no length', () => changed(proxmoxImage(), 16 * SECTOR + 166, [0, 0, 0, 0]), 'iso-damaged'],
  ['a record of one byte', () => changed(proxmoxImage(), ROOT, [1]), 'iso-damaged'],
  ['a folder that is its own data, not a directory', () => changed(proxmoxImage(), 20 * SECTOR, [0]), 'iso-damaged'],
])('%s is a problem', async (_, make, code) => {
  expect(await codeOf(make())).toBe(code)
})

test('a continuation area that points to itself ends', async () => {
  const bytes = proxmoxImage()
  const at = ROOT + rootLinksLength(bytes)
  const area = [0x43, 0x45, 28, 1, 21, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 28]
  const looping = changed(changed(bytes, at, record([0x41], 20, 1, 0, area)), 21 * SECTOR, area)
  expect(await codeOf(looping)).toBe('iso-damaged')
})

test('a sector that is full of entries, to which many records point, is read a bounded number of times', async () => {
  // 2048 records in the root, each with a continuation area of all of sector 300: four million entries, if all were taken.
  const area = [0x43, 0x45, 28, 1, 44, 1, 0, 0, 0, 0, 1, 44, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 8, 0]
  const one = record([0x41], 20, 1, 0, area)
  const bytes = new Uint8Array(301 * SECTOR)
  bytes.set(proxmoxImage().subarray(0, 19 * SECTOR))
  const length = 128 * SECTOR
  const sizes = [...new Uint8Array(Uint32Array.of(length).buffer)]
  bytes.set([...sizes, ...sizes.toReversed()], 16 * SECTOR + 166)
  const links = proxmoxImage().subarray(ROOT, ROOT + rootLinksLength(proxmoxImage()))
  bytes.set(links, ROOT)
  for (let sector = 1; sector < 128; sector++)
    for (let index = 0; index < 16; index++) bytes.set(one, ROOT + sector * SECTOR + index * one.length)
  for (let at = 0; at < SECTOR; at += 4) bytes.set([0x51, 0x51, 4, 1], 300 * SECTOR + at)
  expect(await codeOf(bytes)).toBe('iso-damaged')
  const few = changed(bytes, ROOT + 2 * SECTOR, Array<number>(126 * SECTOR).fill(0))
  expect((await open(few)).primary.entries).toHaveLength(16)
})

test.each([
  ['the folder above', '..'],
  ['the folder itself', '.'],
  ['a path', 'a/b'],
  ['a name that ends early', 'a\0b'],
])('a name that is %s is nobody’s', async (_, name) => {
  const image = await open(proxmoxImage(undefined, [{ name, text: 'x' }]))
  expect(image.primary.entries.find(entry => entry.name === name)?.kind).toBe('other')
  expect(await findFile(image, `/${name}`)).toBeUndefined()
})

test('a file in several pieces that lie one behind the other is one file; in scattered ones it is none', async () => {
  const bytes = smallImage({ files: ['a', 'b'].map(name => ({ name, text: 'x'.repeat(SECTOR) })) })
  const at = ROOT + rootLinksLength(bytes)
  // Flag 0x80: the next record goes on with this file (§9.1.6). Both get the same name.
  const pieces = changed(bytes, at + 25, [0x80])
  const image = await open(pieces)
  expect(image.primary.entries.map(({ name, kind, length }) => [name, kind, length])).toEqual([
    ['a', 'file', 2 * SECTOR],
  ])
  const second = at + bytes[at]!
  const scattered = await open(changed(pieces, second + 2, [19, 0, 0, 0]))
  expect(scattered.primary.entries[0]?.kind).toBe('other')
  expect(await codeOf(changed(pieces, second + 25, [0x80]))).toBe('iso-damaged')
})

test('a root that is another directory by its own word is a problem', async () => {
  expect(await codeOf(changed(proxmoxImage(), ROOT + 2, [20, 0, 0, 0]))).toBe('iso-damaged')
})

test('links again where names should be are a problem: two directories run together', async () => {
  const bytes = proxmoxImage()
  const at = ROOT + rootLinksLength(bytes)
  expect(await codeOf(changed(bytes, at, [...record([1], 20, 2048, 2, []), 0]))).toBe('iso-damaged')
})

test('folders that contain each other are walked only as far as the path goes', async () => {
  const bytes = proxmoxImage()
  // The first record of /boot behind its links becomes a folder "boot" whose data is /boot again.
  const at = 20 * SECTOR + bytes[20 * SECTOR]! + bytes[20 * SECTOR + bytes[20 * SECTOR]!]!
  const looping = changed(bytes, at + 2, [20, 0, 0, 0, 0, 0, 0, 20, 0, 8, 0, 0, 0, 0, 8, 0])
  looping[at + 25] = 2
  const image = await open(looping)
  expect(await findFile(image, '/boot/linux26/linux26/linux26/initrd.img')).toMatchObject({ length: 12 })
})

test('a file outside the image is not found', async () => {
  const bytes = proxmoxImage()
  const at = 20 * SECTOR + bytes[20 * SECTOR]! + bytes[20 * SECTOR + bytes[20 * SECTOR]!]!
  const image = await open(changed(bytes, at + 10, [255, 255, 255, 255]))
  expect(await findFile(image, '/boot/linux26')).toBeUndefined()
})

test('reading stays small: an image full of folders and continuation areas costs a bounded number of reads', async () => {
  const folders = Array.from({ length: 1100 }, (_, index) => ({ name: `f${index}`, files: [] }))
  const bytes = smallImage({ files: [], folders })
  let reads = 0
  const outcome = await readImage(async (offset, length) => {
    reads++
    return bytes.subarray(offset, offset + length)
  }, bytes.length)
  expect(isProblem(outcome) && outcome.code).toBe('iso-too-complex')
  expect(reads).toBeLessThan(20)
})

test('readImage never throws for random bytes', async () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 40_000, size: 'max' })
  await fc.assert(
    fc.asyncProperty(bytes, async random => {
      const image = await readImage(readerOf(random), random.length)
      expect(isProblem(image)).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('no damage to a good image makes reading or injecting throw', async () => {
  const good = proxmoxImage()
  // Damage where it hurts: descriptors, path table, root and first folder.
  const damage = fc.array(
    fc.tuple(fc.integer({ min: 16 * SECTOR, max: 21 * SECTOR }), fc.integer({ min: 0, max: 255 })),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  const interesting = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 255 })), {
    maxLength: 4,
  })
  const sector = fc.constantFrom(16, 18, 19, 20)
  await fc.assert(
    fc.asyncProperty(damage, interesting, sector, async (anywhere, near, of) => {
      const bytes = good.slice()
      for (const [offset, value] of anywhere) bytes[offset] = value
      for (const [offset, value] of near) bytes[of * SECTOR + offset] = value
      const image = await readImage(readerOf(bytes), bytes.length)
      if (isProblem(image)) return
      await findFile(image, '/boot/linux26')
      await readFile(image, '/.cd-info', 1000)
      injectFiles({ segments: [{ from: 'memory', bytes }], image }, [
        { name: 'auto-installer-mode.toml', bytes: new Uint8Array(10) },
      ])
    }),
    { numRuns: 500 },
  )
})
