/** Loader files from their folder: the only file of the room that touches the disk. */
import { constants } from 'node:fs'
import { open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { TftpFile } from './file.ts'

/**
 * Opens `name` of `folder`, or undefined if the folder lists no such regular file. The name is compared with a listing
 * and never put into a path itself. A link is resolved once, since Debian's `ipxe.efi` is one to /boot; what it points to
 * must be a regular file. The file stays open, so replacing it during a transfer does not mix two versions (K22).
 */
export async function openLoaderFile(folder: string, name: string): Promise<TftpFile | undefined> {
  const listed = (await readdir(folder).catch(() => [])).find(entry => entry === name)
  const target = listed && (await realpath(join(folder, listed)).catch(() => undefined))
  // O_NONBLOCK: opening a FIFO would wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = target && (await open(target, flags).catch(() => undefined))
  if (!handle) return undefined
  const status = await handle.stat()
  if (!status.isFile()) {
    await handle.close()
    return undefined
  }
  return {
    size: status.size,
    async read(offset, length) {
      const bytes = new Uint8Array(length)
      const { bytesRead } = await handle.read(bytes, 0, length, offset)
      return bytes.subarray(0, bytesRead)
    },
    close: () => handle.close(),
  }
}
