/**
 * Makes the partition tables of a hybrid image true again after it has grown: a GPT has its backup at the very end of
 * the medium (UEFI 2.10 §5.3), and says in its header where that is. Pure: out of the old image's first sectors it says
 * what to patch and what to append. El Torito has no such number: its boot images stay where they are.
 */
import { crc32 } from 'node:zlib'
import { SECTOR_BYTES } from './directory.ts'
import type { Patch } from './inject.ts'

/** Blocks of partition tables; an image has four of them to a sector. */
const BLOCK_BYTES = 512
const BLOCKS_PER_SECTOR = SECTOR_BYTES / BLOCK_BYTES
/** ECMA-119 §6.2.1 leaves sixteen sectors to boot code; both tables live there. */
export const SYSTEM_AREA_BYTES = 16 * SECTOR_BYTES

const GPT_SIGNATURE = 'EFI PART'
const HEADER_BYTES = 92
const ENTRY_BYTES_LEAST = 128
/** Where things are in a GPT header (table 5-5). */
const AT = {
  size: 12,
  crc: 16,
  self: 24,
  alternate: 32,
  lastUsable: 48,
  entries: 72,
  count: 80,
  each: 84,
  entriesCrc: 88,
}
const ENTRY_FIRST = 32
const ENTRY_LAST = 40

const MBR_ENTRIES_AT = 446
const MBR_ENTRY_BYTES = 16
const MBR_ENTRY_TYPE = 4
const MBR_ENTRY_START = 8
const MBR_ENTRY_BLOCKS = 12
const MBR_SIGNATURE_AT = 510

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

export type Gpt = {
  /** One block. */
  header: Uint8Array
  /** The array of partitions, in whole blocks. */
  entries: Uint8Array
  /** Bytes of an entry. */
  each: number
  /** Block of the primary array. */
  entriesAt: number
  /** Block of the backup header. */
  alternate: number
  lastUsable: number
}

/** The image's GPT; undefined if there is none, or its checksums say that it is none. */
export function readGpt(systemArea: Uint8Array): Gpt | undefined {
  const header = systemArea.slice(BLOCK_BYTES, 2 * BLOCK_BYTES)
  if (header.length < BLOCK_BYTES || String.fromCharCode(...header.subarray(0, 8)) !== GPT_SIGNATURE) return undefined
  const view = viewOf(header)
  const [size, each, count] = [
    view.getUint32(AT.size, true),
    view.getUint32(AT.each, true),
    view.getUint32(AT.count, true),
  ]
  const entriesAt = Number(view.getBigUint64(AT.entries, true))
  const bytes = Math.ceil((count * each) / BLOCK_BYTES) * BLOCK_BYTES
  const isWithin = entriesAt >= 2 && entriesAt * BLOCK_BYTES + bytes <= systemArea.length
  if (size < HEADER_BYTES || size > BLOCK_BYTES || each < ENTRY_BYTES_LEAST || !isWithin) return undefined
  const entries = systemArea.slice(entriesAt * BLOCK_BYTES, entriesAt * BLOCK_BYTES + bytes)
  const isSound =
    headerCrc(header) === view.getUint32(AT.crc, true) &&
    entriesCrc(header, entries) === view.getUint32(AT.entriesCrc, true)
  if (!isSound) return undefined
  const alternate = Number(view.getBigUint64(AT.alternate, true))
  return { header, entries, each, entriesAt, alternate, lastUsable: Number(view.getBigUint64(AT.lastUsable, true)) }
}

/** The header's checksum is made with its own field zero (table 5-5). */
function headerCrc(header: Uint8Array): number {
  const bytes = header.slice(0, viewOf(header).getUint32(AT.size, true))
  bytes.fill(0, AT.crc, AT.crc + 4)
  return crc32(bytes)
}

function entriesCrc(header: Uint8Array, entries: Uint8Array): number {
  const view = viewOf(header)
  return crc32(entries.subarray(0, view.getUint32(AT.count, true) * view.getUint32(AT.each, true)))
}

/** The last block of the last whole sector before `block`: xorriso lets partitions end with sectors. */
function endBefore(block: number): number {
  return Math.floor(block / BLOCKS_PER_SECTOR) * BLOCKS_PER_SECTOR - 1
}

/** The entries, with those that went on to the end of the image going on to its new end: `Gap1`, or one that holds all of it. */
function grownEntries({ entries, each, lastUsable }: Gpt, newLastUsable: number): Uint8Array {
  const grown = entries.slice()
  const view = viewOf(grown)
  for (let at = 0; at + each <= grown.length; at += each) {
    const isUsed = grown.subarray(at, at + 16).some(byte => byte !== 0)
    const [first, last] = [view.getBigUint64(at + ENTRY_FIRST, true), view.getBigUint64(at + ENTRY_LAST, true)]
    if (isUsed && first <= last && Number(last) >= endBefore(lastUsable + 1)) {
      view.setBigUint64(at + ENTRY_LAST, BigInt(endBefore(newLastUsable + 1)), true)
    }
  }
  return grown
}

function sealed(header: Uint8Array, entries: Uint8Array, fields: [at: number, block: number][]): Uint8Array {
  const bytes = header.slice()
  const view = viewOf(bytes)
  for (const [at, block] of fields) view.setBigUint64(at, BigInt(block), true)
  view.setUint32(AT.entriesCrc, entriesCrc(bytes, entries), true)
  view.setUint32(AT.crc, headerCrc(bytes), true)
  return bytes
}

/** Partitions of the MBR that end where the image ended, the protective one above all. */
function mbrPatches(systemArea: Uint8Array, oldBlocks: number, newBlocks: number): Patch[] {
  if (systemArea[MBR_SIGNATURE_AT] !== 0x55 || systemArea[MBR_SIGNATURE_AT + 1] !== 0xaa) return []
  const view = viewOf(systemArea)
  return [0, 1, 2, 3].flatMap(index => {
    const at = MBR_ENTRIES_AT + index * MBR_ENTRY_BYTES
    const start = view.getUint32(at + MBR_ENTRY_START, true)
    const blocks = view.getUint32(at + MBR_ENTRY_BLOCKS, true)
    const isUsed = blocks > 0 || systemArea[at + MBR_ENTRY_TYPE] !== 0
    if (!isUsed || start + blocks !== oldBlocks) return []
    const bytes = new Uint8Array(4)
    viewOf(bytes).setUint32(0, newBlocks - start, true)
    return [{ offset: at + MBR_ENTRY_BLOCKS, bytes }]
  })
}

export type Growth = {
  /** Of the image as it is before anything is appended. */
  patches: Patch[]
  /** Goes to the very end. */
  appended: Uint8Array
}

/**
 * What to change in an image that had `before` bytes and has `after`, whole sectors, without what is appended here.
 * @param systemArea its first `SYSTEM_AREA_BYTES`
 */
export function growTables(systemArea: Uint8Array, before: number, after: number): Growth {
  const oldBlocks = Math.floor(before / BLOCK_BYTES)
  const gpt = readGpt(systemArea)
  if (!gpt) {
    return { patches: mbrPatches(systemArea, oldBlocks, after / BLOCK_BYTES), appended: new Uint8Array(0) }
  }
  const backupBytes = gpt.entries.length + BLOCK_BYTES
  const newBytes = Math.ceil((after + backupBytes) / SECTOR_BYTES) * SECTOR_BYTES
  const alternate = newBytes / BLOCK_BYTES - 1
  const backupEntriesAt = alternate - gpt.entries.length / BLOCK_BYTES
  const lastUsable = backupEntriesAt - 1
  const entries = grownEntries(gpt, lastUsable)
  const primary = sealed(gpt.header, entries, [
    [AT.alternate, alternate],
    [AT.lastUsable, lastUsable],
  ])
  const backup = sealed(primary, entries, [
    [AT.self, alternate],
    [AT.alternate, 1],
    [AT.entries, backupEntriesAt],
  ])
  const appended = new Uint8Array(newBytes - after)
  appended.set(entries, appended.length - backupBytes)
  appended.set(backup, appended.length - BLOCK_BYTES)
  return {
    patches: [
      ...mbrPatches(systemArea, oldBlocks, newBytes / BLOCK_BYTES),
      { offset: BLOCK_BYTES, bytes: primary },
      { offset: gpt.entriesAt * BLOCK_BYTES, bytes: entries },
      ...oldBackup(gpt, before),
    ],
    appended,
  }
}

/** The old backup is blanked where it stood at the end: a second one in the middle could be taken for the true one. */
function oldBackup({ alternate, entries }: Gpt, before: number): Patch[] {
  const end = (alternate + 1) * BLOCK_BYTES
  const bytes = new Uint8Array(entries.length + BLOCK_BYTES)
  const offset = end - bytes.length
  return end <= before && before - end < SECTOR_BYTES && offset >= SYSTEM_AREA_BYTES ? [{ offset, bytes }] : []
}
