/**
 * Reads ISO 9660 images (ECMA-119) as Proxmox and others publish them: volume descriptors, Rock Ridge and Joliet names,
 * files by path. Images come from people, so every number in them is checked before it is followed: bad ones make a
 * problem, bounded reading, and no exception of its own.
 */
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import { type DirectoryRecord, readRecord, roundToSector, SECTOR_BYTES, splitRecords } from './directory.ts'
import { allEntries, alternateName, isRedirected, type ReadContinuation, systemUseSkip } from './rock-ridge.ts'

/** Bytes of the image from `offset`; fewer only at its end. Rejects when the file cannot be read. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

/** Where a file's bytes are in the image. `path` is as asked for. */
export type IsoFile = { path: string; offset: number; length: number }

/** How the names of a tree are written. */
export type NameForm = 'rock-ridge' | 'joliet' | 'plain'

export type DirectoryEntry = {
  name: string
  /** `other`: symbolic links, moved directories, files recorded in scattered pieces, and names that are none. */
  kind: 'file' | 'directory' | 'other'
  offset: number
  length: number
  /** More than one for files of 4 GiB and more. */
  records: DirectoryRecord[]
}

/** One tree of names: the primary one or Joliet's. Offsets are bytes from the beginning of the image. */
export type Tree = {
  names: NameForm
  descriptorOffset: number
  rootOffset: number
  rootLength: number
  /** The root's `.` and `..`, as they stand in the image. */
  links: [DirectoryRecord, DirectoryRecord]
  entries: DirectoryEntry[]
  /** The `..` records of the root's sub-directories: they say where the root is. */
  parentLinks: number[]
  /** Where path tables say where the root is. */
  pathTableLinks: { offset: number; littleEndian: boolean }[]
}

export type IsoImage = {
  read: ReadAt
  /** Bytes of the file, which may go on behind the volume. */
  size: number
  volumeId: string
  /** The primary descriptor as it was read, to see later whether the file is still the same. */
  descriptor: Uint8Array
  primary: Tree
  joliet?: Tree
  /** Bytes to skip in system use areas; absent without Rock Ridge. */
  rockRidgeSkip?: number
}

/** ECMA-119 §6.2.1: sixteen sectors of nobody's concern (boot code, GPT) come first. */
export const FIRST_DESCRIPTOR_OFFSET = 16 * SECTOR_BYTES
export const VOLUME_SIZE_AT = 80
export const ROOT_RECORD_AT = 156
const MOST_DESCRIPTORS = 64
/** Proxmox's largest directory, its packages, has about 150 KiB. */
const MOST_DIRECTORY_BYTES = 1024 ** 2
const MOST_CONTINUATION_READS = 4096
const MOST_CONTINUATION_BYTES = 1024 ** 2
const MOST_SUB_DIRECTORIES = 1024
const MOST_PATH_PARTS = 16

type Names = { form: NameForm; skip: number }
type Extent = { offset: number; length: number }
type Source = { read: ReadAt; size: number }

function problem(code: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'error' }
}

const damaged = (what: string) =>
  problem('iso-damaged', `the ISO's ${what} cannot be read`, 'download it again and compare its SHA-256 checksum')

const tooComplex = (what: string) =>
  problem('iso-too-complex', `the ISO has too many or too large ${what}`, 'use an ISO as Proxmox publishes it')

/** Exactly that range, or undefined if it is not wholly inside the image. */
async function readExactly(source: Source, offset: number, length: number): Promise<Uint8Array | undefined> {
  if (offset + length > source.size) return undefined
  const bytes = await source.read(offset, length)
  return bytes.length === length ? bytes : undefined
}

/**
 * Reads continuation areas, a sector at a time and few of them: neighbours in a directory share one. All that is handed
 * out counts, so that records which point to the same full sector again and again end as well.
 */
function continuationReader(source: Source): ReadContinuation {
  let reads = 0
  let left = MOST_CONTINUATION_BYTES
  let held: { offset: number; bytes: Uint8Array } | undefined
  return async (offset, length) => {
    left -= length
    if (left < 0) return undefined
    if (!held || offset < held.offset || offset + length > held.offset + held.bytes.length) {
      if (reads++ === MOST_CONTINUATION_READS) return undefined
      const start = Math.floor(offset / SECTOR_BYTES) * SECTOR_BYTES
      const end = Math.min(roundToSector(offset + length), source.size)
      const bytes = start < end ? await readExactly(source, start, end - start) : undefined
      if (!bytes || offset + length > end) return undefined
      held = { offset: start, bytes }
    }
    return held.bytes.subarray(offset - held.offset, offset - held.offset + length)
  }
}

/** `README.TXT;1` is `readme.txt` on Linux, where nothing better is recorded. */
function plainName(identifier: Uint8Array): string {
  return String.fromCharCode(...identifier)
    .toLowerCase()
    .replace(/;\d+$/, '')
    .replace(/\.$/, '')
}

/** Joliet: UCS-2, big-endian, often with a version. */
function jolietName(identifier: Uint8Array): string {
  const even = identifier.subarray(0, identifier.length - (identifier.length % 2))
  return new TextDecoder('utf-16be').decode(even).replace(/;\d+$/, '')
}

/** A name that can be one part of a path, as POSIX has it; an image may say anything. */
function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}

async function entryOf(
  records: DirectoryRecord[],
  names: Names,
  read: ReadContinuation,
): Promise<DirectoryEntry | undefined> {
  const first = records[0]!
  const systemUse = names.form === 'rock-ridge' ? await allEntries(first, names.skip, read) : []
  if (!systemUse) return undefined
  const plain = names.form === 'joliet' ? jolietName(first.identifier) : plainName(first.identifier)
  let end = first.offset
  // Pieces that follow each other are one range; only those are ever written.
  const whole = records.every(record => {
    const follows = record.offset === end && !record.interleaved
    end += record.length
    return follows
  })
  const name = alternateName(systemUse) ?? plain
  const plainly = whole && isName(name) && !isRedirected(systemUse)
  const kind = !plainly ? 'other' : first.directory ? 'directory' : 'file'
  return { name, kind, offset: first.offset, length: end - first.offset, records }
}

async function readDirectory(
  source: Source,
  extent: Extent,
  names: Names,
): Promise<Pick<Tree, 'links' | 'entries'> | Problem> {
  if (extent.length > MOST_DIRECTORY_BYTES) return tooComplex('directories')
  const bytes = await readExactly(source, extent.offset, extent.length)
  const [self, parent, ...others] = (bytes && splitRecords(bytes)) ?? []
  // `.`, `..`, then names (§6.8.2.2): what begins otherwise, or begins again, is none, or two directories that run together.
  const isLink = ({ identifier }: DirectoryRecord): boolean => identifier.length === 1 && identifier[0]! < 2
  if (!self || !parent || self.offset !== extent.offset || others.some(isLink)) return damaged('directory')
  const read = continuationReader(source)
  const entries: DirectoryEntry[] = []
  let pieces: DirectoryRecord[] = []
  for (const record of others) {
    pieces.push(record)
    if (record.continues) continue
    const entry = await entryOf(pieces, names, read)
    if (!entry) return damaged('directory')
    entries.push(entry)
    pieces = []
  }
  return pieces.length === 0 ? { links: [self, parent], entries } : damaged('directory')
}

/** Offsets of the `..` records of these directories: the second record of each, whose identifier is the byte 1. */
async function findParentLinks(source: Source, directories: DirectoryEntry[]): Promise<number[] | Problem> {
  if (directories.length > MOST_SUB_DIRECTORIES) return tooComplex('directories')
  const links: number[] = []
  for (const { offset, length } of directories) {
    const bytes = await readExactly(source, offset, Math.min(length, SECTOR_BYTES))
    const self = bytes && readRecord(bytes)
    const parent = bytes && self && readRecord(bytes, self.bytes.length)
    if (parent?.identifier.length !== 1 || parent.identifier[0] !== 1) return damaged('directory')
    links.push(offset + parent.bytes.byteOffset - bytes!.byteOffset)
  }
  return links
}

/** Path tables (§9.4) begin with the root; tables that do not are left alone. */
async function findPathTableLinks(source: Source, descriptor: DataView, rootSector: number) {
  const links: Tree['pathTableLinks'] = []
  // Type L and its optional copy are little-endian, type M and its copy big-endian (§8.4.14 to §8.4.17).
  for (const [at, littleEndian] of [
    [140, true],
    [144, true],
    [148, false],
    [152, false],
  ] as const) {
    const offset = descriptor.getUint32(at, littleEndian) * SECTOR_BYTES
    const first = offset > 0 ? await readExactly(source, offset, 8) : undefined
    if (!first) continue
    const view = new DataView(first.buffer, first.byteOffset, first.length)
    if (view.getUint32(2, littleEndian) === rootSector) links.push({ offset: offset + 2, littleEndian })
  }
  return links
}

async function readTree(
  source: Source,
  descriptorOffset: number,
  bytes: Uint8Array,
  names: Names,
): Promise<Tree | Problem> {
  const descriptor = viewOf(bytes)
  const root = readRecord(bytes, ROOT_RECORD_AT)
  if (!root || root.length === 0 || root.extendedAttributes !== 0) return damaged('root directory')
  const directory = await readDirectory(source, root, names)
  if (isProblem(directory)) return directory
  const parentLinks = await findParentLinks(
    source,
    directory.entries.filter(entry => entry.kind === 'directory'),
  )
  if (isProblem(parentLinks)) return parentLinks
  return {
    ...directory,
    names: names.form,
    descriptorOffset,
    rootOffset: root.offset,
    rootLength: root.length,
    parentLinks,
    pathTableLinks: await findPathTableLinks(source, descriptor, root.offset / SECTOR_BYTES),
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** `%/@`, `%/C` and `%/E` are the escape sequences of Joliet's three levels. */
function isJoliet(descriptor: Uint8Array): boolean {
  return descriptor[88] === 0x25 && descriptor[89] === 0x2f && [0x40, 0x43, 0x45].includes(descriptor[90]!)
}

type Descriptors = { primary: Uint8Array; joliet?: { offset: number; bytes: Uint8Array } }

/** The set of descriptors (§6.7.1), as far as it is read: the first primary one and the first of Joliet. */
async function readDescriptors(source: Source): Promise<Descriptors | Problem> {
  let primary: Uint8Array | undefined
  let joliet: Descriptors['joliet']
  for (let index = 0; index < MOST_DESCRIPTORS; index++) {
    const offset = FIRST_DESCRIPTOR_OFFSET + index * SECTOR_BYTES
    const bytes = await readExactly(source, offset, SECTOR_BYTES)
    if (!bytes || String.fromCharCode(...bytes.subarray(1, 6)) !== 'CD001' || bytes[0] === 255) break
    if (bytes[0] === 1 && index === 0) primary = bytes
    if (bytes[0] === 2 && isJoliet(bytes)) joliet ??= { offset, bytes }
  }
  if (!primary) return problem('iso-not-iso9660', 'the file is not an ISO 9660 image', 'download it again')
  return { primary, ...(joliet ? { joliet } : {}) }
}

function checkVolume(descriptor: DataView, size: number): Problem | undefined {
  if (descriptor.getUint16(128, true) !== SECTOR_BYTES) return damaged('block size')
  const expected = descriptor.getUint32(VOLUME_SIZE_AT, true) * SECTOR_BYTES
  if (expected <= size) return undefined
  return problem(
    'iso-truncated',
    `the ISO should have ${expected} bytes and has ${size}`,
    'wait until it is copied wholly, or download it again',
  )
}

/** Bytes to skip in system use areas, or undefined without Rock Ridge; the root's `.` says so. */
async function findRockRidge(source: Source, descriptor: Uint8Array): Promise<number | undefined> {
  const root = readRecord(descriptor, ROOT_RECORD_AT)
  const start = root && (await readExactly(source, root.offset, Math.min(root.length, SECTOR_BYTES)))
  const self = start && readRecord(start)
  return self && systemUseSkip(self)
}

/**
 * Reads what is needed to find and to add files: descriptors and root directories. `size` is the image's length in
 * bytes. Codes: `iso-not-iso9660`, `iso-truncated`, `iso-damaged`, `iso-too-complex`.
 */
export async function readImage(read: ReadAt, size: number): Promise<IsoImage | Problem> {
  const source = { read, size }
  const descriptors = await readDescriptors(source)
  if (isProblem(descriptors)) return descriptors
  const wrong = checkVolume(viewOf(descriptors.primary), size)
  if (wrong) return wrong
  const skip = await findRockRidge(source, descriptors.primary)
  const names: Names = { form: skip === undefined ? 'plain' : 'rock-ridge', skip: skip ?? 0 }
  const primary = await readTree(source, FIRST_DESCRIPTOR_OFFSET, descriptors.primary, names)
  if (isProblem(primary)) return primary
  const image: IsoImage = {
    ...source,
    volumeId: String.fromCharCode(...descriptors.primary.subarray(40, 72)).trimEnd(),
    descriptor: descriptors.primary,
    primary,
    ...(skip !== undefined ? { rockRidgeSkip: skip } : {}),
  }
  if (!descriptors.joliet) return image
  const { offset, bytes } = descriptors.joliet
  const joliet = await readTree(source, offset, bytes, { form: 'joliet', skip: 0 })
  return isProblem(joliet) ? joliet : { ...image, joliet }
}

/**
 * Finds a regular file by its absolute path, by Rock Ridge names, or by Joliet ones where there is no Rock Ridge, or by
 * plain ones in lower case: the order in which Linux looks. Links are not followed. Undefined if it is not there, is
 * not a plain file, or lies outside the image.
 */
export async function findFile(image: IsoImage, path: string): Promise<IsoFile | undefined> {
  const tree = image.primary.names === 'plain' ? (image.joliet ?? image.primary) : image.primary
  const parts = path.split('/').filter(part => part !== '')
  const file = parts.pop()
  if (file === undefined || parts.length >= MOST_PATH_PARTS) return undefined
  let entries = tree.entries
  for (const part of parts) {
    const folder = entries.find(entry => entry.name === part && entry.kind === 'directory')
    const names = { form: tree.names, skip: image.rockRidgeSkip ?? 0 }
    const directory = folder && (await readDirectory(image, folder, names))
    if (!directory || isProblem(directory)) return undefined
    entries = directory.entries
  }
  const found = entries.find(entry => entry.name === file && entry.kind === 'file')
  if (!found || found.offset + found.length > image.size) return undefined
  return { path, offset: found.offset, length: found.length }
}

/** The bytes of a small file; undefined if `findFile` has none or it is longer than `maxBytes`. */
export async function readFile(image: IsoImage, path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const file = await findFile(image, path)
  if (!file || file.length > maxBytes) return undefined
  return readExactly(image, file.offset, file.length)
}
