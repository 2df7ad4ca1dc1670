/**
 * The kernel's view of a downloaded initrd, as a stream: an uncompressed cpio archive (`newc`) whose member `proxmox.iso` is
 * looked into while it passes, padding, and whatever the kernel would unpack after it. Nothing of the ISO is kept.
 */
import { IsoReader } from './iso-reader.ts'

export const ISO_MEMBER = 'proxmox.iso'

const HEADER_BYTES = 110
const NEWC_MAGIC = '070701'
const TRAILER = 'TRAILER!!!'
const LONGEST_NAME = 1024
/** First bytes of what Linux can unpack after the archive: another archive, zstd, gzip, xz. */
const NEXT_MAGICS = ['303730373031', '28b52ffd', '1f8b', 'fd377a585a00']

type Part =
  | { part: 'header' }
  | { part: 'name'; nameBytes: number; fileBytes: number }
  | { part: 'content'; name: string; left: number; padding: number }
  /** Zeros up to the next header, or to what follows the archive. */
  | { part: 'between' }
  | { part: 'rest' }

export type InitrdReport = {
  ok: true
  /** Files of the ISO's root, by name, as far as they were asked for. */
  files: Map<string, Uint8Array>
  isoBytes: number
}

function padded(length: number): number {
  return (4 - (length % 4)) % 4
}

/** Reads one initrd. `push` the bytes in order, then ask `finish`. Never throws for any bytes. */
export class InitrdReader {
  private readonly iso: IsoReader
  private part: Part = { part: 'header' }
  /** Bytes of a header, a name or a magic that has not come whole yet. */
  private pending: Buffer = Buffer.alloc(0)
  private position = 0
  private archive = true
  private isoBytes: number | undefined
  private rest: { magic: Buffer; position: number } | undefined
  private problem: string | undefined

  constructor(wanted: readonly string[]) {
    this.iso = new IsoReader(wanted)
  }

  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && this.problem === undefined) at += this.step(chunk.subarray(at))
  }

  /** Takes some bytes and says how many. */
  private step(bytes: Uint8Array): number {
    const taken = this.stepPart(bytes)
    this.position += taken
    return taken
  }

  private stepPart(bytes: Uint8Array): number {
    const { part } = this
    switch (part.part) {
      case 'header':
        return this.gather(bytes, HEADER_BYTES, whole => this.readHeader(whole))
      case 'name':
        return this.gather(bytes, part.nameBytes, whole => this.readName(whole, part.fileBytes))
      case 'content':
        return this.readContent(part, bytes)
      case 'between':
        return this.skipZeros(bytes)
      case 'rest':
        return this.readRest(bytes)
    }
  }

  /** Collects `length` bytes over chunk borders, then hands them on. */
  private gather(bytes: Uint8Array, length: number, use: (whole: Buffer) => void): number {
    const taken = Math.min(length - this.pending.length, bytes.length)
    this.pending = Buffer.concat([this.pending, bytes.subarray(0, taken)])
    if (this.pending.length === length) {
      const whole = this.pending
      this.pending = Buffer.alloc(0)
      use(whole)
    }
    return taken
  }

  private readHeader(header: Buffer): void {
    const field = (index: number) => Number.parseInt(header.toString('latin1', 6 + index * 8, 14 + index * 8), 16)
    if (header.toString('latin1', 0, 6) !== NEWC_MAGIC) {
      this.problem = 'the initrd is no cpio archive with the ISO in it'
      return
    }
    const fileBytes = field(6)
    const nameLength = field(11)
    if (!Number.isInteger(fileBytes) || !Number.isInteger(nameLength) || nameLength < 1 || nameLength > LONGEST_NAME) {
      this.problem = 'the cpio archive has a broken header'
      return
    }
    // The name is padded so that the content begins on a 4-byte boundary counted from the header.
    this.part = { part: 'name', nameBytes: nameLength + padded(HEADER_BYTES + nameLength), fileBytes }
  }

  private readName(whole: Buffer, fileBytes: number): void {
    const name = whole.toString('latin1', 0, whole.indexOf(0)).replace(/^\.?\//, '')
    if (name === TRAILER) {
      this.archive = false
      this.part = { part: 'between' }
      return
    }
    if (name === ISO_MEMBER) this.isoBytes = fileBytes
    this.part = { part: 'content', name, left: fileBytes, padding: padded(fileBytes) }
    if (fileBytes === 0) this.part = { part: 'header' }
  }

  private readContent(part: Extract<Part, { part: 'content' }>, bytes: Uint8Array): number {
    if (part.left > 0) {
      const taken = Math.min(part.left, bytes.length)
      if (part.name === ISO_MEMBER) this.iso.push(bytes.subarray(0, taken))
      part.left -= taken
      if (part.left === 0 && part.padding === 0) this.part = { part: 'header' }
      return taken
    }
    const taken = Math.min(part.padding, bytes.length)
    part.padding -= taken
    if (part.padding === 0) this.part = { part: 'header' }
    return taken
  }

  /** Zeros between archives are skipped by the kernel. */
  private skipZeros(bytes: Uint8Array): number {
    const next = bytes.findIndex(octet => octet !== 0)
    if (next < 0) return bytes.length
    this.rest = { magic: Buffer.alloc(0), position: this.position + next }
    this.part = { part: 'rest' }
    return next
  }

  private readRest(bytes: Uint8Array): number {
    const rest = this.rest!
    if (rest.magic.length < 6) rest.magic = Buffer.concat([rest.magic, bytes.subarray(0, 6 - rest.magic.length)])
    return bytes.length
  }

  /** What the kernel and the installer's init would find, or what keeps them from it. */
  finish(): InitrdReport | { ok: false; reason: string } {
    const bad = (reason: string) => ({ ok: false as const, reason })
    if (this.problem !== undefined) return bad(this.problem)
    if (this.archive) return bad('the initrd ends in the middle of its cpio archive')
    if (this.isoBytes === undefined) return bad(`the initrd has no ${ISO_MEMBER}: no device with valid ISO found`)
    if (!this.rest) return bad('nothing follows the ISO: the original initrd is missing, so there is no init')
    if (this.rest.position % 4 !== 0) return bad('the original initrd does not begin on a 4-byte boundary')
    if (!NEXT_MAGICS.some(magic => this.rest!.magic.toString('hex').startsWith(magic))) {
      return bad('what follows the ISO is nothing that the kernel can unpack')
    }
    const iso = this.iso.finish()
    return iso.ok ? { ok: true, files: iso.files, isoBytes: this.isoBytes } : bad(iso.reason)
  }
}
