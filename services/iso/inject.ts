/**
 * Adds files to the root of an ISO image without writing one: the image becomes a list of byte ranges of the file
 * on disk, with a few patched sectors and an appended tail in memory. Boot records, MBR and GPT stay as they are: an
 * image that goes over the wire only has to be mounted, and one that is written to disk is grown by `grow.ts`.
 */
import type { Problem } from '../kit/problem.ts'
import { patchSegments, type Segment } from '../kit/segments.ts'
import {
  bothOrders32,
  buildFileRecord,
  LOCATION_IN_RECORD,
  locationBytes,
  moveRecord,
  packRecords,
  roundToSector,
  SECTOR_BYTES,
} from './directory.ts'
import { type IsoImage, ROOT_RECORD_AT, type Tree, VOLUME_SIZE_AT } from './iso9660.ts'
import { buildSystemUse, splitEntries } from './rock-ridge.ts'

/** `name` stands in the root: no slash, and as short as names of files in images are (at most 64 bytes). */
export type NewFile = { name: string; bytes: Uint8Array }

/** An image, and the bytes that it was read from. */
export type IsoSource = { segments: readonly Segment[]; image: IsoImage }

export type Patch = { offset: number; bytes: Uint8Array }

/** Where a new file's data will be. */
type Placed = { name: string; sector: number; length: number }

const noVersion = (identifier: string) => identifier.replace(/;\d+$/, '')

/** One character a byte, or a UCS-2 unit: both sort as ECMA-119 §9.3 and Joliet ask. */
function identifierText(identifier: Uint8Array, tree: Tree): string {
  const form = tree.names === 'joliet' ? 'utf-16be' : 'latin1'
  return noVersion(new TextDecoder(form).decode(identifier))
}

function encodeUcs2(text: string): Uint8Array {
  return Uint8Array.from([...text].flatMap(character => [character.charCodeAt(0) >> 8, character.charCodeAt(0) & 255]))
}

/** A name of the strictest form (§7.5.1: eight and three of `A-Z0-9_`) that nothing in the root has: `AUTO_INS.TOM`. */
function shortIdentifier(name: string, taken: ReadonlySet<string>): string {
  const clean = (text: string) => text.toUpperCase().replace(/[^A-Z0-9]/g, '_')
  const dot = name.lastIndexOf('.')
  const stem = clean(dot > 0 ? name.slice(0, dot) : name).slice(0, 8)
  const extension = dot > 0 ? clean(name.slice(dot + 1)).slice(0, 3) : ''
  let short = `${stem}.${extension}`
  // Each turn tries another number, so that one turn more than there are names must find a free one.
  for (let number = 0; taken.has(short); number++) {
    short = `${stem.slice(0, 8 - String(number).length)}${number}.${extension}`
  }
  return short
}

/** What stands in a root: its records in their order, with the text that they sort by. */
type Listed = { text: string; records: Uint8Array[] }

function identifierFor(tree: Tree, name: string, listed: readonly Listed[]): Uint8Array {
  if (tree.names !== 'joliet') {
    return new TextEncoder().encode(`${shortIdentifier(name, new Set(listed.map(({ text }) => text)))};1`)
  }
  // With a version where the others have one: both habits exist.
  const versioned = tree.entries.some(({ kind, records }) => kind === 'file' && records[0]!.identifier.at(-2) === 0x3b)
  return encodeUcs2(versioned ? `${name};1` : name)
}

/** The record of a file whose times and attributes are modelled on its neighbours'; undefined if it has no room. */
function newRecord(image: IsoImage, tree: Tree, file: Placed, identifier: Uint8Array): Uint8Array | undefined {
  const [self] = tree.links
  const skip = image.rockRidgeSkip ?? 0
  const shaped = tree.entries.find(
    ({ kind, records }) =>
      kind === 'file' && splitEntries(records[0]!.systemUse.subarray(skip)).some(({ signature }) => signature === 'PX'),
  )
  const template = shaped?.records[0] ?? self
  const systemUse =
    tree.names === 'rock-ridge' ? buildSystemUse(template, skip, file.name, file.sector) : new Uint8Array(0)
  return buildFileRecord({
    identifier,
    sector: file.sector,
    length: file.length,
    date: self.bytes.subarray(18, 25),
    systemUse,
  })
}

/** The root's records with each new file where its identifier sorts, and without what had its name before. */
function recordsWith(image: IsoImage, tree: Tree, files: readonly Placed[]): Uint8Array[] | undefined {
  const replaced = new Set(files.map(({ name }) => name))
  const listed: Listed[] = tree.entries
    .filter(({ name }) => !replaced.has(name))
    .map(({ records }) => ({
      text: identifierText(records[0]!.identifier, tree),
      records: records.map(({ bytes }) => bytes),
    }))
  for (const file of files) {
    const identifier = identifierFor(tree, file.name, listed)
    const record = newRecord(image, tree, file, identifier)
    if (!record) return undefined
    const text = identifierText(identifier, tree)
    const later = listed.findIndex(other => other.text > text)
    listed.splice(later < 0 ? listed.length : later, 0, { text, records: [record] })
  }
  return listed.flatMap(({ records }) => records)
}

function pathTableEntry(sector: number, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, sector, littleEndian)
  return bytes
}

/** Everything that says where the root is: the descriptor, the sub-directories' `..` and the path tables. */
function relocationPatches(tree: Tree, sector: number, length: number): Patch[] {
  const location = locationBytes(sector, length)
  return [
    { offset: tree.descriptorOffset + ROOT_RECORD_AT + LOCATION_IN_RECORD, bytes: location },
    ...tree.parentLinks.map(link => ({ offset: link + LOCATION_IN_RECORD, bytes: location })),
    ...tree.pathTableLinks.map(({ offset, littleEndian }) => ({ offset, bytes: pathTableEntry(sector, littleEndian) })),
  ]
}

type NewRoot = { patches: Patch[]; appended: Uint8Array }

/** The root with its new files: in its old place if they fit there, else moved to sector `end`. */
function newRoot(image: IsoImage, tree: Tree, files: readonly Placed[], end: number): NewRoot | undefined {
  const records = recordsWith(image, tree, files)
  if (!records) return undefined
  const [self, parent] = tree.links.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array]
  const packed = packRecords([self, parent, ...records])
  if (packed.length <= tree.rootLength) {
    const whole = new Uint8Array(tree.rootLength)
    whole.set(packed)
    return { patches: [{ offset: tree.rootOffset, bytes: whole }], appended: new Uint8Array(0) }
  }
  // `.` and `..` of a root are both itself; their length in bytes does not change, so neither does the packing.
  const links = [self, parent].map(link => moveRecord(link, end, packed.length))
  return { patches: relocationPatches(tree, end, packed.length), appended: packRecords([...links, ...records]) }
}

function problem(code: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'error' }
}

const noRoom = () =>
  problem('iso-damaged', "the ISO's root directory cannot take another file", 'use an ISO as Proxmox publishes it')

/** Data of new files in whole sectors from byte `start` on, and where each will be. */
function placeFiles(files: readonly NewFile[], start: number): { placed: Placed[]; data: Uint8Array[]; end: number } {
  const placed: Placed[] = []
  const data: Uint8Array[] = []
  let end = start
  for (const { name, bytes } of files) {
    placed.push({ name, sector: end / SECTOR_BYTES, length: bytes.length })
    const padded = new Uint8Array(roundToSector(bytes.length))
    padded.set(bytes)
    data.push(padded)
    end += padded.length
  }
  return { placed, data, end }
}

function treesOf({ primary, joliet }: IsoImage): Tree[] {
  return [primary, ...(joliet ? [joliet] : [])]
}

/** Each tree's descriptor says how large the volume is (§8.4.8). */
export function volumeSizePatches(image: IsoImage, bytes: number): Patch[] {
  const size = bothOrders32(bytes / SECTOR_BYTES)
  return treesOf(image).map(({ descriptorOffset }) => ({ offset: descriptorOffset + VOLUME_SIZE_AT, bytes: size }))
}

export function patchAll(segments: readonly Segment[], patches: readonly Patch[]): Segment[] {
  return patches.reduce<Segment[]>((patched, { offset, bytes }) => patchSegments(patched, offset, bytes), [...segments])
}

/**
 * The image with more files in its root, for Rock Ridge and Joliet readers alike; what had their names is replaced. The
 * same input makes the same bytes, so that ranges of two requests fit together. Problems: `iso-no-long-names`,
 * `iso-damaged`.
 */
export function injectFiles({ segments, image }: IsoSource, files: readonly NewFile[]): Segment[] | Problem {
  const trees = treesOf(image)
  if (trees.every(tree => tree.names === 'plain')) {
    return problem(
      'iso-no-long-names',
      'the ISO has neither Rock Ridge nor Joliet names',
      'use an ISO as Proxmox publishes it',
    )
  }
  const start = roundToSector(image.size)
  const { placed, data, end: dataEnd } = placeFiles(files, start)
  const tail: Uint8Array[] = [new Uint8Array(start - image.size), ...data]
  const patches: Patch[] = []
  let end = dataEnd
  for (const tree of trees) {
    const root = newRoot(image, tree, placed, end / SECTOR_BYTES)
    if (!root) return noRoom()
    patches.push(...root.patches)
    tail.push(root.appended)
    end += root.appended.length
  }
  patches.push(...volumeSizePatches(image, end))
  const appended = tail.filter(bytes => bytes.length > 0).map((bytes): Segment => ({ from: 'memory', bytes }))
  return patchAll([...segments, ...appended], patches)
}
