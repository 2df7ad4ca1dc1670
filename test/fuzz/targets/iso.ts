/**
 * An image that anybody may have made: read, inspected, and given a mode file. Inputs are short, since images are long: which image to begin
 * from, then what is written over it, piece by piece (where as sector and offset, how much, the octets), and perhaps where the file ends.
 */
import { readFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { injectFiles } from '../../../services/iso/inject.ts'
import { inspectImage } from '../../../services/iso/inspect.ts'
import { findFile, type IsoImage, readFile, readImage } from '../../../services/iso/iso9660.ts'
import { isProblem } from '../../../services/kit/is-problem.ts'
import { type Segment, totalLength } from '../../../services/kit/segments.ts'
import { proxmoxImage, smallImage } from '../../iso/small-image.ts'
import { hold, type Target } from '../target.ts'

const SECTOR = 2048
const MODE = { name: 'auto-installer-mode.toml', bytes: Buffer.from('mode = "http"\n') }
/** `iso9660.ts` reads a directory of 1 MiB and continuation areas of as much at most, for each of few directories. */
const MOST_READS = 40_000
const MOST_BYTES = 32 * 1024 ** 2
/** Ends the list of pieces: the file is cut at that sector. */
const CUT = 255

const captured = (name: string): Uint8Array =>
  zstdDecompressSync(readFileSync(new URL(`../../vectors/iso/${name}.iso.zst`, import.meta.url)))

const IMAGES: Uint8Array[] = [
  proxmoxImage(),
  captured('genisoimage-rock-joliet'),
  captured('xorriso-rock-joliet'),
  captured('genisoimage-joliet'),
  captured('genisoimage-plain'),
  smallImage({
    files: Array.from({ length: 60 }, (_, index) => ({ name: `file-${index}`, text: 'x' })),
    folders: [{ name: 'boot', files: [{ name: 'linux26', text: 'kernel' }] }],
  }),
]

/** Sectors that say something: all but data and the boot area. */
const FIRST_SECTOR = 16
const MOST_SECTORS = 32

function imageOf(input: Uint8Array): Uint8Array {
  const image = Uint8Array.from(IMAGES[(input[0] ?? 0) % IMAGES.length]!)
  for (let at = 1; at + 4 <= input.length; ) {
    const [sector, high, low, length] = input.subarray(at, at + 4) as unknown as [number, number, number, number]
    if (sector === CUT) return image.subarray(0, Math.min(image.length, high * SECTOR + low))
    const offset = (FIRST_SECTOR + (sector % MOST_SECTORS)) * SECTOR + (((high << 8) | low) % SECTOR)
    const room = image.subarray(Math.min(offset, image.length))
    room.set(input.subarray(at + 4, at + 4 + Math.min(length, room.length)))
    at += 4 + length
  }
  return image
}

/** What the appliance does with an image, and how much of it is read for that. */
async function readAs(bytes: Uint8Array) {
  const cost = { reads: 0, bytes: 0 }
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    hold('it reads inside the file', offset >= 0 && length >= 0 && offset + length <= bytes.length)
    cost.reads += 1
    cost.bytes += length
    return bytes.subarray(offset, offset + length)
  }
  const image = await readImage(read, bytes.length)
  const entry = isProblem(image) ? image : await inspectImage(image, { file: 'a.iso', path: '/isos/a.iso' })
  hold('it reads little', cost.reads <= MOST_READS && cost.bytes <= MOST_BYTES)
  return { image, entry }
}

function holdsForNames({ primary, joliet }: IsoImage): void {
  for (const { name, kind } of [...primary.entries, ...(joliet?.entries ?? [])]) {
    if (kind !== 'other') hold('a name is one part of a path', /^(?!\.{1,2}$)[^/\0]+$/.test(name))
  }
}

/** The bytes of what is served, for a reader to look at. */
function injectedBytes(image: IsoImage, bytes: Uint8Array): Uint8Array | string {
  const whole: Segment = { from: 'file', path: '/isos/a.iso', offset: 0, length: bytes.length }
  const segments = injectFiles({ segments: [whole], image }, [MODE])
  if (isProblem(segments)) return segments.code
  hold('it grows by few sectors', totalLength(segments) <= bytes.length + 4 * 1024 ** 2)
  return Buffer.concat(
    segments.map(part =>
      part.from === 'memory' ? part.bytes : bytes.subarray(part.offset, part.offset + part.length),
    ),
  )
}

const sector = (number: number, offset: number, octets: number[]): number[] => [
  number - FIRST_SECTOR,
  offset >> 8,
  offset & 255,
  octets.length,
  ...octets,
]

const SEEDS: number[][] = [
  ...IMAGES.map((_, index) => [index]),
  // A root of nearly 4 GiB, one outside the image, one of no length, one that is a file.
  [0, ...sector(16, 166, [0, 0, 0, 255])],
  [0, ...sector(16, 158, [255, 255, 255, 255])],
  [0, ...sector(16, 166, [0, 0, 0, 0])],
  [1, ...sector(16, 156 + 25, [0])],
  // A path table of 4 GiB, and one that is elsewhere.
  [2, ...sector(16, 132, [255, 255, 255, 255, 255, 255, 255, 255])],
  [2, ...sector(16, 140, [255, 255, 255, 255])],
  // Records of no length, of one byte, of all a byte can say.
  [0, ...sector(19, 0, [0])],
  [0, ...sector(19, 0, [1])],
  [1, ...sector(23, 0, [255])],
  // The second descriptor is Joliet of nowhere; there is no end of descriptors.
  [1, ...sector(17, 158, [1, 0, 0, 0])],
  [0, ...sector(17, 0, [1])],
  [0, CUT, 22, 0, 0],
  [2, CUT, 16, 100, 0],
]

const WORDS: number[][] = [
  [0x43, 0x45, 28, 1, 20, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 28],
  [0x4e, 0x4d, 7, 1, 0, 0x2e, 0x2e],
  [0x4e, 0x4d, 8, 1, 0, 0x61, 0x2f, 0x62],
  [0x4e, 0x4d, 5, 1, 2],
  [0x4e, 0x4d, 6, 1, 1, 0x61],
  [0x53, 0x4c, 5, 1, 0],
  [0x43, 0x4c, 12, 1, 20, 0, 0, 0, 0, 0, 0, 20],
  [0x53, 0x54, 4, 1],
  [0x53, 0x50, 7, 1, 0xbe, 0xef, 255],
  [0x25, 0x2f, 0x45],
  [0x43, 0x44, 0x30, 0x30, 0x31],
  [255, 255, 255, 255],
  [0, 0, 0, 0],
  ...[16, 17, 18, 19, 20, 23, 25].map(number => [number - FIRST_SECTOR, 0, 0, 4]),
  ...[0, 2, 25, 32, 33, 80, 88, 120, 128, 140, 156, 158, 166].map(offset => [0, 0, offset, 1]),
]

export const isoTarget: Target = {
  name: 'iso',
  seeds: () => SEEDS.map(octets => Uint8Array.from(octets)),
  words: WORDS.map(octets => Uint8Array.from(octets)),
  maxBytes: 300,
  async run(input) {
    const bytes = imageOf(input)
    const { image, entry } = await readAs(bytes)
    if (isProblem(image)) return image.code
    holdsForNames(image)
    const injected = injectedBytes(image, bytes)
    const odd = image.primary.entries.filter(({ kind }) => kind === 'other').length
    const shape = `${image.primary.names} ${image.primary.entries.length} ${odd} ${image.joliet?.entries.length}`
    const kinds = `${shape} ${isProblem(entry) ? entry.code : 'usable'}`
    if (typeof injected === 'string') return `${kinds} ${injected}`
    for (const path of ['/boot/linux26', '/boot/initrd.img', '/.disk/info']) {
      const found = await findFile(image, path)
      if (found) hold('a file lies inside', found.offset + found.length <= bytes.length)
    }
    if (isProblem(entry)) return kinds
    const after = await readAs(injected)
    hold('what is served can be read', !isProblem(after.image))
    const mode = isProblem(after.image) ? undefined : await readFile(after.image, `/${MODE.name}`, 100)
    hold('it holds the mode file', mode !== undefined && Buffer.from(mode).equals(MODE.bytes))
    hold('it boots the same', !isProblem(after.entry) && after.entry.kernel.offset === entry.kernel.offset)
    return `${kinds} ${entry.release.product} ${injected.length - bytes.length}`
  },
}
