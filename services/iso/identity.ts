/** What tells that a file is the one that was read before, without reading it. */

export type Identity = {
  /** In bytes. */
  size: number
  /** Milliseconds since 1970, with a fraction. */
  changedAt: number
  inode: number
}

export function identityOf(status: { size: number; mtimeMs: number; ino: number }): Identity {
  return { size: status.size, changedAt: status.mtimeMs, inode: status.ino }
}

export function isSame(a: Identity, b: Identity): boolean {
  return a.size === b.size && a.changedAt === b.changedAt && a.inode === b.inode
}
