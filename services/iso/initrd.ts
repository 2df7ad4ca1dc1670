/**
 * One initrd out of two: an uncompressed cpio archive that holds the image as `/proxmox.iso`, and behind it the
 * installer's own initrd, unchanged. The kernel unpacks them one after the other, as it does with microcode archives
 * (Documentation/driver-api/early-userspace/buffer-format.rst), so any loader that loads one initrd is enough.
 */
import type { Problem } from '../kit/problem.ts'
import { type Segment, totalLength } from '../kit/segments.ts'

/** Where the installer's initrd looks for the image. */
const MEMBER_NAME = 'proxmox.iso'
const TRAILER_NAME = 'TRAILER!!!'
const MODE_READ_ONLY_FILE = 0o100444
/** Names and data are padded to this, and archives begin on it. */
const ALIGNMENT = 4
/** cpio's customary block. */
const ARCHIVE_BLOCK = 512
/** Sizes are eight hexadecimal digits. */
const MOST_MEMBER_BYTES = 0xffff_ffff

function padding(length: number, to: number): Uint8Array {
  return new Uint8Array((to - (length % to)) % to)
}

/** Magic and thirteen fields of eight hexadecimal digits, then the name with a zero byte. */
function memberHead(name: string, inode: number, mode: number, size: number): Uint8Array {
  const links = 1
  // inode, mode, user, group, links, time, size, device (two), special device (two), length of the name, checksum
  const fields = [inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name.length + 1, 0]
  const digits = fields.map(field => field.toString(16).toUpperCase().padStart(8, '0')).join('')
  const head = new TextEncoder().encode(`070701${digits}${name}\0`)
  return Buffer.concat([head, padding(head.length, ALIGNMENT)])
}

/** The archive with the image, then `initrd`. Problem `iso-too-large` for an image of 4 GiB or more. */
export function wrapInitrd(iso: readonly Segment[], initrd: readonly Segment[]): Segment[] | Problem {
  const size = totalLength(iso)
  if (size > MOST_MEMBER_BYTES) {
    return {
      code: 'iso-too-large',
      message: `an ISO of ${size} bytes does not fit into an initrd, whose files have less than 4 GiB`,
      hint: 'use an ISO as Proxmox publishes it: they have less than 2 GB',
      severity: 'error',
    }
  }
  const head = memberHead(MEMBER_NAME, 1, MODE_READ_ONLY_FILE, size)
  const end = Buffer.concat([padding(size, ALIGNMENT), memberHead(TRAILER_NAME, 0, 0, 0)])
  const fill = padding(head.length + size + end.length, ARCHIVE_BLOCK)
  return [{ from: 'memory', bytes: head }, ...iso, { from: 'memory', bytes: Buffer.concat([end, fill]) }, ...initrd]
}
