/**
 * Every place of an image that says in which sector something is: what has to be changed when data moves. Both trees of
 * names are walked whole, by records, not by names. What is not understood makes the answer undefined, never a guess.
 */
import { SECTOR_BYTES, splitRecords } from './directory.ts'
import { type IsoImage, ROOT_RECORD_AT, type Tree, VOLUME_SIZE_AT } from './iso9660.ts'
import { splitEntries } from './rock-ridge.ts'

/** `offset` in bytes from the beginning of the image; `both`: eight bytes, little-endian and then big-endian. */
export type Pointer = { offset: number; form: 'both' | 'little' | 'big'; sector: number }

/** In sectors; `end` is the first one behind. */
export type Extent = { start: number; end: number }

export type Pointers = {
  pointers: Pointer[]
  /** What must stay: folders, tables, continuation areas, and files outside of the folder that may go. */
  kept: Extent[]
  /** Data of the files in that folder, and where their records say how long they are. */
  removable: { data: Extent; lengthAt: number }[]
}

const MOST_DIRECTORIES = 4096
const MOST_DIRECTORY_BYTES = 1024 ** 2
const MOST_BYTES = 16 * 1024 ** 2
const MOST_HOPS = 8
const LENGTH_IN_RECORD = 10

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

function extentOf(offset: number, length: number): Extent {
  return { start: Math.floor(offset / SECTOR_BYTES), end: Math.ceil((offset + length) / SECTOR_BYTES) }
}

class Walk {
  readonly found: Pointers = { pointers: [], kept: [], removable: [] }
  readonly #image: IsoImage
  /** Continuation areas that were read: neighbours share one. */
  readonly #areas = new Set<string>()
  #left = MOST_BYTES

  constructor(image: IsoImage) {
    this.#image = image
  }

  async #read(offset: number, length: number): Promise<Uint8Array | undefined> {
    this.#left -= length
    if (this.#left < 0 || offset + length > this.#image.size) return undefined
    const bytes = await this.#image.read(offset, length)
    return bytes.length === length ? bytes : undefined
  }

  #point(offset: number, form: Pointer['form'], sector: number): void {
    this.found.pointers.push({ offset, form, sector })
  }

  /** Continuations (CE, P1281 §5.1), and folders that were moved, with where they were (CL, PL, P1282 §4.1.5). */
  async #systemUse(area: Uint8Array, offset: number, hops = 0): Promise<boolean> {
    for (const { signature, bytes } of splitEntries(area)) {
      if (signature !== 'CE' && signature !== 'CL' && signature !== 'PL') continue
      if (bytes.length < (signature === 'CE' ? 28 : 12) || hops > MOST_HOPS) return false
      const view = viewOf(bytes)
      const sector = view.getUint32(4, true)
      this.#point(offset + bytes.byteOffset - area.byteOffset + 4, 'both', sector)
      if (signature !== 'CE') continue
      const [at, length] = [sector * SECTOR_BYTES + view.getUint32(12, true), view.getUint32(20, true)]
      const key = `${at} ${length}`
      if (this.#areas.has(key)) continue
      this.#areas.add(key)
      const next = await this.#read(at, length)
      if (!next) return false
      this.found.kept.push(extentOf(at, length))
      if (!(await this.#systemUse(next, at, hops + 1))) return false
    }
    return true
  }

  /** A folder and all below it. `isGoing` tells of a folder of the root whether it may go. */
  async #directories(tree: Tree, goingAt: number | undefined): Promise<boolean> {
    const skip = tree.names === 'rock-ridge' ? (this.#image.rockRidgeSkip ?? 0) : undefined
    const queue = [{ offset: tree.rootOffset, length: tree.rootLength, going: false }]
    const seen = new Set([tree.rootOffset])
    for (const { offset, length, going } of queue) {
      if (queue.length > MOST_DIRECTORIES || length > MOST_DIRECTORY_BYTES) return false
      const bytes = await this.#read(offset, length)
      const records = bytes && splitRecords(bytes)
      if (!records) return false
      this.found.kept.push(extentOf(offset, length))
      for (const record of records) {
        const at = offset + record.bytes.byteOffset - bytes.byteOffset
        const start = record.offset - record.extendedAttributes * SECTOR_BYTES
        this.#point(at + 2, 'both', start / SECTOR_BYTES)
        const used = record.systemUse.subarray(skip ?? record.systemUse.length)
        if (!(await this.#systemUse(used, at + used.byteOffset - record.bytes.byteOffset))) return false
        const isLink = record.identifier.length === 1 && record.identifier[0]! < 2
        if (isLink) continue
        if (!record.directory) {
          const data = extentOf(start, record.offset - start + record.length)
          if (going) this.found.removable.push({ data, lengthAt: at + LENGTH_IN_RECORD })
          else this.found.kept.push(data)
        } else if (!seen.has(record.offset)) {
          seen.add(record.offset)
          const isRoot = offset === tree.rootOffset
          queue.push({
            offset: record.offset,
            length: record.length,
            going: going || (isRoot && record.offset === goingAt),
          })
        }
      }
    }
    return true
  }

  /** A path table (§9.4): each entry says where a folder is. */
  async #pathTable(offset: number, size: number, littleEndian: boolean): Promise<boolean> {
    const bytes = await this.#read(offset, size)
    if (!bytes) return false
    this.found.kept.push(extentOf(offset, size))
    const view = viewOf(bytes)
    for (let at = 0; at < size; ) {
      const length = bytes[at]!
      if (length === 0 || at + 8 + length > size) return false
      this.#point(offset + at + 2, littleEndian ? 'little' : 'big', view.getUint32(at + 2, littleEndian))
      at += 8 + length + (length % 2)
    }
    return true
  }

  async tree(tree: Tree, folder: string): Promise<boolean> {
    const at = tree.descriptorOffset
    const descriptor = await this.#read(at, SECTOR_BYTES)
    if (!descriptor) return false
    const view = viewOf(descriptor)
    this.#point(at + VOLUME_SIZE_AT, 'both', view.getUint32(VOLUME_SIZE_AT, true))
    this.#point(at + ROOT_RECORD_AT + 2, 'both', tree.rootOffset / SECTOR_BYTES)
    // Type L and its optional copy, type M and its optional copy (§8.4.14 to §8.4.17).
    for (const [field, littleEndian] of [
      [140, true],
      [144, true],
      [148, false],
      [152, false],
    ] as const) {
      const sector = view.getUint32(field, littleEndian)
      if (sector === 0) continue
      this.#point(at + field, littleEndian ? 'little' : 'big', sector)
      if (!(await this.#pathTable(sector * SECTOR_BYTES, view.getUint32(132, true), littleEndian))) return false
    }
    const going = tree.entries.find(({ name, kind }) => name === folder && kind === 'directory')
    return this.#directories(tree, going?.offset)
  }
}

/** @param folder a folder of the root whose files may go */
export async function findPointers(image: IsoImage, folder: string): Promise<Pointers | undefined> {
  const walk = new Walk(image)
  for (const tree of [image.primary, ...(image.joliet ? [image.joliet] : [])]) {
    if (!(await walk.tree(tree, folder))) return undefined
  }
  // Boot code and descriptors come before everything that is pointed to.
  walk.found.kept.push({ start: 0, end: Math.min(...walk.found.pointers.map(({ sector }) => sector || Infinity)) })
  return walk.found
}
