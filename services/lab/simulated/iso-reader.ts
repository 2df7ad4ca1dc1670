/**
 * Files of an ISO's root folder, read while the image streams past: the kernel has all of it in memory, a lab with two hundred
 * machines has not. Written apart from the appliance's own reader, as a check on what is injected (ECMA-119, Rock Ridge).
 */

const SECTOR_BYTES = 2048
const VOLUME_DESCRIPTOR = 16 * SECTOR_BYTES
const VOLUME_SPACE_OFFSET = 80
const ROOT_RECORD_OFFSET = 156
const RECORD_NAME_OFFSET = 33
/** What has passed is kept for so long: a mode file may stand just before a folder that was moved to the end. */
const KEPT_BYTES = 128 * 1024
const LARGEST_ROOT_BYTES = 1024 * 1024
const LARGEST_FILE_BYTES = 256 * 1024

type Extent = { offset: number; length: number }
type Wanted = Extent & { bytes: Buffer; filled: number; use: (bytes: Buffer) => void }

type Entry = Extent & { name: string }

/** Rock Ridge's alternate name (`NM`) of a directory record; undefined where there is none. */
function rockRidgeName(systemUse: Buffer): string | undefined {
  let name: string | undefined
  for (let at = 0; at + 4 <= systemUse.length; ) {
    const length = systemUse[at + 2]!
    if (length < 4 || at + length > systemUse.length) return name
    if (systemUse.toString('latin1', at, at + 2) === 'NM') {
      name = (name ?? '') + systemUse.toString('utf8', at + 5, at + length)
    }
    at += length
  }
  return name
}

function readRecord(record: Buffer): Entry | undefined {
  if (record.length < RECORD_NAME_OFFSET) return undefined
  const nameBytes = record[32]!
  const systemUse = record.subarray(RECORD_NAME_OFFSET + nameBytes + (nameBytes % 2 === 0 ? 1 : 0))
  const name = rockRidgeName(systemUse)
  if (name === undefined) return undefined
  return { name, offset: record.readUInt32LE(2) * SECTOR_BYTES, length: record.readUInt32LE(10) }
}

/** The named entries of one folder; a record never crosses a sector. */
export function readFolder(folder: Buffer): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at < folder.length; ) {
    const length = folder[at]!
    if (length === 0) {
      at = (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES
      continue
    }
    const entry = readRecord(folder.subarray(at, at + length))
    if (entry) entries.push(entry)
    at += length
  }
  return entries
}

/** Looks for some files of the root while the image is pushed through. Never throws for any bytes. */
export class IsoReader {
  private readonly names: readonly string[]
  private readonly files = new Map<string, Uint8Array>()
  private wanted: Wanted[] = []
  private kept: { offset: number; bytes: Uint8Array }[] = []
  private position = 0
  private spaceBytes = 0
  private problem: string | undefined
  private rootRead = false

  constructor(names: readonly string[]) {
    this.names = names
    this.want({ offset: VOLUME_DESCRIPTOR, length: SECTOR_BYTES }, bytes => this.readDescriptor(bytes))
  }

  push(chunk: Uint8Array): void {
    this.kept.push({ offset: this.position, bytes: chunk })
    for (const wanted of this.wanted) this.fill(wanted, this.position, chunk)
    this.position += chunk.length
    while (this.kept.length > 1 && this.kept[1]!.offset < this.position - KEPT_BYTES) this.kept.shift()
  }

  private want(extent: Extent, use: (bytes: Buffer) => void): void {
    const wanted = { ...extent, bytes: Buffer.alloc(extent.length), filled: 0, use }
    this.wanted.push(wanted)
    // The chunk that is being pushed is among the kept ones; what comes twice is not counted twice.
    for (const piece of this.kept) this.fill(wanted, piece.offset, piece.bytes)
  }

  private fill(wanted: Wanted, offset: number, chunk: Uint8Array): void {
    if (wanted.filled >= wanted.length) return
    const start = wanted.offset + wanted.filled
    if (offset > start || offset + chunk.length <= start) return
    const piece = chunk.subarray(start - offset, start - offset + wanted.length - wanted.filled)
    wanted.bytes.set(piece, wanted.filled)
    wanted.filled += piece.length
    if (wanted.filled < wanted.length) return
    this.wanted = this.wanted.filter(other => other !== wanted)
    wanted.use(wanted.bytes)
  }

  private readDescriptor(bytes: Buffer): void {
    if (bytes.toString('latin1', 1, 6) !== 'CD001') {
      this.problem = 'proxmox.iso is no ISO 9660 image'
      return
    }
    this.spaceBytes = bytes.readUInt32LE(VOLUME_SPACE_OFFSET) * SECTOR_BYTES
    const root = {
      offset: bytes.readUInt32LE(ROOT_RECORD_OFFSET + 2) * SECTOR_BYTES,
      length: bytes.readUInt32LE(ROOT_RECORD_OFFSET + 10),
    }
    if (root.length > LARGEST_ROOT_BYTES) this.problem = 'the root folder of proxmox.iso is not one'
    else this.want(root, folder => this.readRoot(folder))
  }

  private readRoot(folder: Buffer): void {
    this.rootRead = true
    for (const entry of readFolder(folder)) {
      if (!this.names.includes(entry.name) || entry.length > LARGEST_FILE_BYTES) continue
      if (entry.length === 0) this.files.set(entry.name, Buffer.alloc(0))
      else if (entry.offset + entry.length > this.spaceBytes) this.problem = `${entry.name} stands outside the volume`
      else this.want(entry, bytes => this.files.set(entry.name, bytes))
    }
  }

  finish(): { ok: true; files: Map<string, Uint8Array> } | { ok: false; reason: string } {
    const bad = (reason: string) => ({ ok: false as const, reason })
    if (this.problem !== undefined) return bad(this.problem)
    if (this.position < this.spaceBytes)
      return bad(`proxmox.iso has ${this.position} bytes, its volume ${this.spaceBytes}`)
    if (!this.rootRead) return bad('proxmox.iso has no readable root folder')
    if (this.wanted.length > 0) return bad('a file of proxmox.iso stands where it cannot be read')
    return { ok: true, files: this.files }
  }
}
