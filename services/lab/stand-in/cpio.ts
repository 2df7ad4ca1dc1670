/**
 * Writes a cpio archive in the "new ASCII" form that Linux unpacks as its initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's sources).
 */

export type CpioEntry =
  | { path: string; kind: 'file'; bytes: Uint8Array; executable?: boolean }
  | { path: string; kind: 'folder' }
  | { path: string; kind: 'link'; to: string }
  | { path: string; kind: 'character-device'; major: number; minor: number }

const MODES = { file: 0o100644, folder: 0o040755, link: 0o120777, 'character-device': 0o020600 }

/** Paths are relative, without a leading slash; a folder must come before what it holds. */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const members = entries.flatMap((entry, index) => member(entry, index + 1))
  return Buffer.concat([...members, ...member({ path: 'TRAILER!!!', kind: 'file', bytes: new Uint8Array() }, 0)])
}

function contentOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === 'file') return entry.bytes
  return entry.kind === 'link' ? Buffer.from(entry.to) : new Uint8Array()
}

function member(entry: CpioEntry, inode: number): Uint8Array[] {
  const name = Buffer.from(`${entry.path}\0`)
  const content = contentOf(entry)
  const mode = entry.kind === 'file' && entry.executable ? 0o100755 : MODES[entry.kind]
  const device = entry.kind === 'character-device' ? entry : { major: 0, minor: 0 }
  const links = entry.kind === 'folder' ? 2 : 1
  // inode, mode, uid, gid, links, mtime, size, dev major and minor, rdev major and minor, name size, check
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, device.major, device.minor, name.length, 0]
  const head = Buffer.from(`070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}`)
  return [head, name, padding(head.length + name.length), content, padding(content.length)]
}

/** Name and content each end on a multiple of four. */
function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4)
}
