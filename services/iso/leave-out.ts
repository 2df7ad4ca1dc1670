/**
 * The image without the data of one folder, made on the wire like everything else: what lies behind is moved forward by
 * changing every pointer to it. The official tool's `--pxe` leaves `/boot` out of the ISO as well: kernel and initrd
 * travel by themselves, and a machine needs three times less memory for what is not there.
 */
import { isProblem } from '../kit/is-problem.ts'
import { type Segment, sliceSegments } from '../kit/segments.ts'
import { SECTOR_BYTES } from './directory.ts'
import { type IsoSource, type Patch, patchAll } from './inject.ts'
import { FIRST_DESCRIPTOR_OFFSET, type IsoImage, type ReadAt, readImage } from './iso9660.ts'
import { type Extent, findPointers, type Pointer, type Pointers } from './pointers.ts'

const overlaps = (a: Extent, b: Extent): boolean => a.start < b.end && b.start < a.end

/** The data that nothing else needs, in order and without overlaps. Hard links and boot images share data with others. */
function cutsOf({ kept, removable }: Pointers, sectors: number): Extent[] {
  const cuts: Extent[] = []
  const free = removable
    .map(({ data }) => data)
    .filter(data => data.end > data.start && data.end <= sectors && !kept.some(other => overlaps(data, other)))
  for (const { start, end } of free.toSorted((a, b) => a.start - b.start)) {
    const last = cuts.at(-1)
    if (last && start <= last.end) last.end = Math.max(last.end, end)
    else cuts.push({ start, end })
  }
  return cuts
}

/** Where a sector is once the cuts are made. */
function moved(sector: number, cuts: readonly Extent[]): number {
  return cuts.reduce((at, { start, end }) => at - Math.max(0, Math.min(sector, end) - start), sector)
}

/** Numbers written where they stand, in one piece for each run of sectors, so that the list of segments stays short. */
async function patchesFor(image: IsoImage, writes: readonly Pointer[]): Promise<Patch[]> {
  const bySector = Map.groupBy(writes, ({ offset }) => Math.floor(offset / SECTOR_BYTES))
  const runs: Extent[] = []
  for (const sector of [...bySector.keys()].toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    // A number of eight bytes may go on in the next sector.
    if (last && sector <= last.end) last.end = sector + 2
    else runs.push({ start: sector, end: sector + 2 })
  }
  return Promise.all(
    runs.map(async ({ start, end }) => {
      const offset = start * SECTOR_BYTES
      const bytes = Uint8Array.from(await image.read(offset, Math.min(end * SECTOR_BYTES, image.size) - offset))
      const view = new DataView(bytes.buffer)
      for (let sector = start; sector < end; sector++) {
        for (const { offset: at, form, sector: value } of bySector.get(sector) ?? []) {
          if (form !== 'big') view.setUint32(at - offset, value, true)
          if (form !== 'little') view.setUint32(at - offset + (form === 'both' ? 4 : 0), value, false)
        }
      }
      return { offset, bytes }
    }),
  )
}

const MOST_DESCRIPTORS = 64
const BOOT_RECORD = 0
const TERMINATOR = 255
const BOOT_SYSTEM_AT = 7
const BOOT_SYSTEM_BYTES = 32
const BOOT_CATALOG_AT = 71

/** The image boots nothing any more, and must not look as if: boot code, partition tables and El Torito (its chapter 2) point to what has moved. */
async function unbootable(image: IsoImage): Promise<Patch[]> {
  const patches: Patch[] = [{ offset: 0, bytes: new Uint8Array(FIRST_DESCRIPTOR_OFFSET) }]
  for (let index = 0; index < MOST_DESCRIPTORS; index++) {
    const offset = FIRST_DESCRIPTOR_OFFSET + index * SECTOR_BYTES
    // One that never ends its descriptors ends all the same.
    if (offset + SECTOR_BYTES > image.size) break
    const [type] = await image.read(offset, 1)
    if (type === TERMINATOR) break
    if (type !== BOOT_RECORD) continue
    patches.push({ offset: offset + BOOT_SYSTEM_AT, bytes: new Uint8Array(BOOT_SYSTEM_BYTES) })
    patches.push({ offset: offset + BOOT_CATALOG_AT, bytes: new Uint8Array(4) })
  }
  return patches
}

function withoutCuts(segments: readonly Segment[], cuts: readonly Extent[], size: number): Segment[] {
  const starts = [0, ...cuts.map(({ end }) => end * SECTOR_BYTES)]
  const ends = [...cuts.map(({ start }) => start * SECTOR_BYTES), size]
  return starts.flatMap((start, index) => sliceSegments(segments, start, ends[index]! - start))
}

/** Reads an image that is made of pieces of another. */
function readerOf(segments: readonly Segment[], read: ReadAt): ReadAt {
  return async (offset, length) => {
    const parts = sliceSegments(segments, offset, length).map(async segment =>
      segment.from === 'memory' ? segment.bytes : read(segment.offset, segment.length),
    )
    return Buffer.concat(await Promise.all(parts))
  }
}

/** Whether everything that was to stay is where it has to be, as somebody reads it who knows nothing of the cuts. */
async function isSound(image: IsoImage, before: Pointers, cuts: readonly Extent[], folder: string): Promise<boolean> {
  const after = await findPointers(image, folder)
  const where = ({ kept }: Pointers, move: (sector: number) => number) =>
    kept.map(({ start, end }) => [move(start), end - start].join(' ')).join()
  return after !== undefined && where(after, sector => sector) === where(before, sector => moved(sector, cuts))
}

/**
 * The image at `path` without the data of the files in that folder of the root: they are empty, everything else is as it
 * was. Undefined where there is nothing to win, or where the image is not understood in all its parts: then it is served
 * whole. Rejects when the file cannot be read.
 */
export async function leaveOutFolder(path: string, image: IsoImage, folder: string): Promise<IsoSource | undefined> {
  const found = await findPointers(image, folder)
  const cuts = found ? cutsOf(found, Math.floor(image.size / SECTOR_BYTES)) : []
  if (!found || cuts.length === 0) return undefined
  const writes = [
    ...found.pointers.map(pointer => ({ ...pointer, sector: moved(pointer.sector, cuts) })),
    ...found.removable.map(({ lengthAt }): Pointer => ({ offset: lengthAt, form: 'both', sector: 0 })),
  ]
  const whole: Segment = { from: 'file', path, offset: 0, length: image.size }
  const patches = [...(await patchesFor(image, writes)), ...(await unbootable(image))]
  const segments = withoutCuts(patchAll([whole], patches), cuts, image.size)
  const size = image.size - cuts.reduce((sum, { start, end }) => sum + (end - start) * SECTOR_BYTES, 0)
  const made = await readImage(readerOf(segments, image.read), size)
  return !isProblem(made) && (await isSound(made, found, cuts, folder)) ? { segments, image: made } : undefined
}
