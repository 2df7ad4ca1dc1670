import fc from 'fast-check'
import { expect, test } from 'vitest'
import { injectFiles, type NewFile } from '../../services/iso/inject.ts'
import { findFile, type IsoImage, readFile, readImage, ROOT_RECORD_AT } from '../../services/iso/iso9660.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { type Segment, segmentLength, sliceSegments, totalLength } from '../../services/kit/segments.ts'
import { proxmoxImage, readerOf, smallImage } from './small-image.ts'

const SECTOR = 2048
const NAME = 'auto-installer-mode.toml'
const MODE = { name: NAME, bytes: Buffer.from('mode = "http"\n') }

async function open(bytes: Uint8Array): Promise<IsoImage> {
  const image = await readImage(readerOf(bytes), bytes.length)
  if (isProblem(image)) throw new Error(image.message)
  return image
}

function sourceOf(image: IsoImage) {
  return { segments: [{ from: 'file', path: 'x.iso', offset: 0, length: image.size } as const], image }
}

/** The bytes that segments stand for, where those on disk are `file`. */
function bytesIn(file: Uint8Array, segments: readonly Segment[]): Uint8Array {
  const parts = segments.map(segment =>
    segment.from === 'memory' ? segment.bytes : file.subarray(segment.offset, segment.offset + segment.length),
  )
  return Buffer.concat(parts)
}

async function inject(bytes: Uint8Array, ...files: NewFile[]): Promise<{ segments: Segment[]; bytes: Uint8Array }> {
  const segments = injectFiles(sourceOf(await open(bytes)), files.length > 0 ? files : [MODE])
  if (isProblem(segments)) throw new Error(segments.message)
  return { segments, bytes: bytesIn(bytes, segments) }
}

const text = async (bytes: Uint8Array, path: string) =>
  Buffer.from((await readFile(await open(bytes), path, 10_000)) ?? 'missing').toString()

test('the new file is read, and all others too', async () => {
  const { bytes } = await inject(proxmoxImage())
  expect(await text(bytes, `/${NAME}`)).toBe('mode = "http"\n')
  expect(await text(bytes, '/boot/linux26')).toBe('kernel bytes')
  expect(await text(bytes, '/.cd-info')).toContain("PRODUCT='pve'")
})

test('with room in the root, three places change and one sector is added', async () => {
  const original = proxmoxImage()
  const { segments, bytes } = await inject(original)
  expect(
    segments.map(segment => (segment.from === 'file' ? [segment.offset, segment.length] : segment.bytes.length)),
  ).toEqual([
    [0, 16 * SECTOR + 80],
    8,
    [16 * SECTOR + 88, 3 * SECTOR - 88],
    SECTOR,
    [20 * SECTOR, original.length - 20 * SECTOR],
    SECTOR,
  ])
  expect(bytes.length).toBe(original.length + SECTOR)
  // Volume space size in both byte orders: 25 sectors were there.
  expect([...bytes.subarray(16 * SECTOR + 80, 16 * SECTOR + 88)]).toEqual([26, 0, 0, 0, 0, 0, 0, 26])
})

test('the record is sorted in by its short name and models its neighbours', async () => {
  const files = ['aaa', 'auto', 'auto-installer-capable', 'zzz'].map(name => ({ name, text: 'x' }))
  const { bytes } = await inject(smallImage({ files }))
  const { entries } = (await open(bytes)).primary
  expect(entries.map(({ name }) => name)).toEqual(
    ['aaa', 'auto', 'auto-installer-capable', 'zzz'].toSpliced(2, 0, NAME),
  )
  const record = entries[2]!.records[0]!
  expect(Buffer.from(record.identifier).toString()).toBe('AUTO_INS.TOM;1')
  // PX of 36 bytes as the others have it, NM, and one byte that makes the length even.
  expect(record.systemUse.length).toBe(36 + 5 + NAME.length + 1)
})

/** As many files as leave the root's sector with less room than a record takes. */
function crowded(): Uint8Array {
  const files = Array.from({ length: 20 }, (_, index) => ({
    name: `file-${String(index).padStart(2, '0')}`,
    text: `${index}`,
  }))
  return smallImage({
    files,
    folders: [{ name: 'boot', files: [{ name: 'linux26', text: 'kernel bytes' }] }],
    rockRidge: true,
  })
}

test('without room the root moves to the end, and everything that points to it follows', async () => {
  const original = crowded()
  const { bytes } = await inject(original)
  expect(bytes.length).toBe(original.length + 3 * SECTOR)
  const image = await open(bytes)
  const moved = (original.length + SECTOR) / SECTOR
  expect(image.primary.rootOffset).toBe(moved * SECTOR)
  expect(image.primary.rootLength).toBe(2 * SECTOR)
  expect(image.primary.links.map(link => [link.offset, link.length])).toEqual([
    [moved * SECTOR, 2 * SECTOR],
    [moved * SECTOR, 2 * SECTOR],
  ])
  // The folder's `..`, and the path table that readers of another kind use.
  const boot = image.primary.entries.find(({ name }) => name === 'boot')!
  expect(bytes[image.primary.parentLinks[0]! + 2]).toBe(moved)
  expect(boot.kind).toBe('directory')
  expect([...bytes.subarray(18 * SECTOR, 18 * SECTOR + 8)]).toEqual([1, 0, moved, 0, 0, 0, 1, 0])
  expect(await text(bytes, `/${NAME}`)).toBe('mode = "http"\n')
  expect(await text(bytes, '/boot/linux26')).toBe('kernel bytes')
  expect(await text(bytes, '/file-15')).toBe('15')
})

test('a mode file that was baked in is replaced', async () => {
  const { bytes } = await inject(proxmoxImage(undefined, [{ name: NAME, text: 'mode = "iso"\n' }]))
  const image = await open(bytes)
  expect(image.primary.entries.filter(({ name }) => name === NAME)).toHaveLength(1)
  expect(await text(bytes, `/${NAME}`)).toBe('mode = "http"\n')
})

test('a short name that is taken gets a number', async () => {
  const files = [{ name: 'other', text: '' }]
  const original = smallImage({ files })
  // OTHER.;1 becomes AUTO_INS.TOM;1's neighbour by being injected first under another long name.
  const first = await inject(original, { name: 'auto-installer.tomato', bytes: Buffer.from('1') })
  const second = await inject(first.bytes)
  const identifiers = (await open(second.bytes)).primary.entries.map(({ records }) =>
    Buffer.from(records[0]!.identifier).toString(),
  )
  expect(identifiers).toEqual(['AUTO_IN0.TOM;1', 'AUTO_INS.TOM;1', 'OTHER.;1'])
})

test('an image whose end is not on a sector is filled up first', async () => {
  const original = smallImage({ files: [{ name: 'a', text: 'x' }], extraBytes: 100 })
  const { bytes } = await inject(original)
  expect(bytes.length).toBe(original.length - 100 + 2 * SECTOR)
  expect((await findFile(await open(bytes), `/${NAME}`))!.offset).toBe(original.length - 100 + SECTOR)
})

test('the same input makes the same bytes', async () => {
  const [first, second] = [await inject(crowded()), await inject(crowded())]
  expect(Buffer.compare(first.bytes, second.bytes)).toBe(0)
})

test('an image that can only hold short names is refused', async () => {
  const image = await open(smallImage({ files: [{ name: 'a', text: 'x' }], rockRidge: false }))
  expect(injectFiles(sourceOf(image), [MODE])).toMatchObject({ code: 'iso-no-long-names' })
})

test('a name that no record can hold is refused', async () => {
  const image = await open(proxmoxImage())
  expect(injectFiles(sourceOf(image), [{ ...MODE, name: 'n'.repeat(230) }])).toMatchObject({
    code: 'iso-damaged',
  })
})

test('an image just under 4 GiB gets its file behind the end, in numbers of more than 31 bits', async () => {
  const small = crowded()
  const size = 4_294_000_640
  const image = await readImage(readerOf(small), size)
  if (isProblem(image)) throw new Error(image.message)
  const segments = injectFiles(sourceOf(image), [MODE])
  if (isProblem(segments)) throw new Error(segments.message)
  // Data in one sector, the moved root in two.
  expect(totalLength(segments)).toBe(size + 3 * SECTOR)
  // All but the patched bytes stays on disk: volume size, root in the descriptor, `..` of the folder, path table.
  const onDisk = segments.filter(({ from }) => from === 'file').map(segmentLength)
  expect(onDisk.reduce((sum, length) => sum + length, 0)).toBe(size - 8 - 16 - 16 - 4)
})

test('several files at once, each with a short name of its own', async () => {
  const names = ['proxmox-first-boot', 'auto-installer-mode.toml', 'answer.toml', 'auto-installer-mode.tomato']
  const files = names.map((name, index) => ({ name, bytes: Buffer.alloc(index * 2048, name) }))
  const { bytes } = await inject(crowded(), ...files)
  const image = await open(bytes)
  const added = image.primary.entries.filter(({ name }) => names.includes(name))
  expect(added.map(({ name, length, records }) => [name, length, String(Buffer.from(records[0]!.identifier))])).toEqual(
    [
      ['answer.toml', 2 * 2048, 'ANSWER.TOM;1'],
      ['auto-installer-mode.tomato', 3 * 2048, 'AUTO_IN0.TOM;1'],
      ['auto-installer-mode.toml', 2048, 'AUTO_INS.TOM;1'],
      ['proxmox-first-boot', 0, 'PROXMOX_.;1'],
    ],
  )
  for (const file of files) expect(Buffer.from((await readFile(image, `/${file.name}`, 10_000))!)).toEqual(file.bytes)
})

/** The path table four times: types L and M, each with the optional copy (ECMA-119 §8.4.14 to §8.4.17). */
function withFourTables(image: Uint8Array): Uint8Array {
  const size = image.length
  const grown = new Uint8Array(size + 3 * SECTOR)
  grown.set(image)
  const descriptor = new DataView(grown.buffer, 16 * SECTOR)
  const root = descriptor.getUint32(ROOT_RECORD_AT + 2, true)
  const end = size / SECTOR
  for (const [index, at] of [144, 148, 152].entries()) {
    descriptor.setUint32(at, end + index, at === 144)
    grown.set([1, 0], size + index * SECTOR)
    new DataView(grown.buffer).setUint32(size + index * SECTOR + 2, root, at === 144)
  }
  return grown
}

test('when the root moves, all four path tables follow, each in its byte order', async () => {
  const { bytes } = await inject(withFourTables(crowded()))
  const root = (await open(bytes)).primary.rootOffset / SECTOR
  expect(root).toBe(crowded().length / SECTOR + 4)
  const descriptor = new DataView(bytes.buffer, bytes.byteOffset + 16 * SECTOR, SECTOR)
  for (const [at, littleEndian] of [
    [140, true],
    [144, true],
    [148, false],
    [152, false],
  ] as const) {
    const table = new DataView(bytes.buffer, bytes.byteOffset + descriptor.getUint32(at, littleEndian) * SECTOR, SECTOR)
    expect([at, table.getUint32(2, littleEndian)]).toEqual([at, root])
  }
})

test.each([
  ['with room in the root', proxmoxImage()],
  ['with a root that moves', crowded()],
])('L02 any range is the slice of the whole: %s', async (_, original) => {
  const { segments, bytes } = await inject(original)
  const offset = fc.integer({ min: 0, max: bytes.length + 10 })
  fc.assert(
    fc.property(offset, offset, (from, length) => {
      const slice = bytesIn(original, sliceSegments(segments, from, length))
      return Buffer.compare(slice, bytes.subarray(from, from + length)) === 0
    }),
    { numRuns: 500 },
  )
})
