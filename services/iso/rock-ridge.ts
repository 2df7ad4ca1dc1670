/**
 * Rock Ridge: POSIX names in the system use area of directory records (IEEE P1282), carried by the System Use
 * Sharing Protocol (IEEE P1281). Only what finding and adding a file needs.
 */
import { bothOrders32, type DirectoryRecord, SECTOR_BYTES } from './directory.ts'

export type SystemUseEntry = { signature: string; bytes: Uint8Array }

/** Reads `length` bytes at a place in the image; undefined once the reader's allowance is used up or the place is outside. */
export type ReadContinuation = (offset: number, length: number) => Promise<Uint8Array | undefined>

/** Longest chain of continuation areas of one record; real images have one. */
const MOST_CONTINUATIONS = 8
const NM_CONTINUE = 0x01
const NM_CURRENT_OR_PARENT = 0x06
const NM_HEAD = 5
const FILE_MODE = 0o100444

/** The entries in one area up to its end, a terminator, or the first damage. */
export function splitEntries(area: Uint8Array): SystemUseEntry[] {
  const entries: SystemUseEntry[] = []
  let at = 0
  while (at + 4 <= area.length) {
    const size = area[at + 2]!
    const signature = String.fromCharCode(area[at]!, area[at + 1]!)
    if (size < 4 || at + size > area.length || signature === 'ST') break
    entries.push({ signature, bytes: area.subarray(at, at + size) })
    at += size
  }
  return entries
}

/** Bytes to skip in every system use area; undefined where the root's `.` has no SP entry, so no Rock Ridge (P1281 §5.3). */
export function systemUseSkip(rootSelf: DirectoryRecord): number | undefined {
  const [sharing] = splitEntries(rootSelf.systemUse)
  if (sharing?.signature !== 'SP' || sharing.bytes.length < 7) return undefined
  return sharing.bytes[4] === 0xbe && sharing.bytes[5] === 0xef ? sharing.bytes[6]! : undefined
}

/** All entries of a record, those in its continuation areas (CE, P1281 §5.1) too; undefined if a chain is damaged or endless. */
export async function allEntries(
  record: DirectoryRecord,
  skip: number,
  read: ReadContinuation,
): Promise<SystemUseEntry[] | undefined> {
  const entries = splitEntries(record.systemUse.subarray(skip))
  let next = entries.find(entry => entry.signature === 'CE')
  for (let hops = 0; next; hops++) {
    if (hops === MOST_CONTINUATIONS || next.bytes.length < 28) return undefined
    const view = new DataView(next.bytes.buffer, next.bytes.byteOffset, next.bytes.length)
    const offset = view.getUint32(4, true) * SECTOR_BYTES + view.getUint32(12, true)
    const length = view.getUint32(20, true)
    const area = length <= SECTOR_BYTES ? await read(offset, length) : undefined
    if (!area) return undefined
    const more = splitEntries(area)
    entries.push(...more)
    next = more.find(entry => entry.signature === 'CE')
  }
  return entries
}

/** The alternate name, put together from all its pieces (NM, P1282 §4.1.4); undefined if there is none. */
export function alternateName(entries: readonly SystemUseEntry[]): string | undefined {
  const pieces: Uint8Array[] = []
  for (const { signature, bytes } of entries) {
    if (signature !== 'NM' || bytes.length < NM_HEAD) continue
    const flags = bytes[4]!
    if (flags & NM_CURRENT_OR_PARENT) return undefined
    pieces.push(bytes.subarray(NM_HEAD))
    if (!(flags & NM_CONTINUE)) break
  }
  return pieces.length > 0 ? new TextDecoder().decode(Buffer.concat(pieces)) : undefined
}

/** A symbolic link (SL) or a directory that was moved away (CL): nothing whose bytes could be read here. */
export function isRedirected(entries: readonly SystemUseEntry[]): boolean {
  return entries.some(({ signature }) => signature === 'SL' || signature === 'CL')
}

function permissions(length: number, serial: number): Uint8Array {
  // Mode, links, owner, group (P1282 §4.1.1); the later form with 44 bytes ends with a serial number.
  const fields = [FILE_MODE, 1, 0, 0, serial].slice(0, (length - 4) / 8)
  return Uint8Array.from([0x50, 0x58, length, 1, ...fields.flatMap(field => [...bothOrders32(field)])])
}

/**
 * The system use area of a new read-only file, shaped as in `template`, a record of the same directory: PX of the same
 * form, its time stamps, the old RR summary if it has one, and the name.
 */
export function buildSystemUse(template: DirectoryRecord, skip: number, name: string, serial: number): Uint8Array {
  const entries = splitEntries(template.systemUse.subarray(skip))
  const find = (signature: string) => entries.find(entry => entry.signature === signature)?.bytes
  const times = find('TF')
  // RR flags: PX is bit 0, NM bit 3, TF bit 7 (Rock Ridge 1.09 §4.1.8, dropped later).
  const summary = find('RR') ? [0x52, 0x52, 5, 1, times ? 0x89 : 0x09] : []
  const nameBytes = new TextEncoder().encode(name)
  const skipped = Uint8Array.from({ length: skip }, (_, index) => template.systemUse[index] ?? 0)
  return Uint8Array.from([
    ...skipped,
    ...summary,
    ...permissions(find('PX')?.length === 36 ? 36 : 44, serial),
    ...(times ?? []),
    ...[0x4e, 0x4d, NM_HEAD + nameBytes.length, 1, 0, ...nameBytes],
  ])
}
