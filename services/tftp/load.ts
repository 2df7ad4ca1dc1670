/** Loader files from their folder: the only file of the room that touches the disk. */
import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { TftpFile } from './file.ts'
import { LARGEST_LOADER_BYTES, LoaderMemory } from './loader-memory.ts'
import { ReadAhead } from './read-ahead.ts'

/** The loaders of a folder, by name; small ones are kept in memory. */
export function loaderFolder(folder: string): (name: string) => Promise<TftpFile | undefined> {
  const memory = new LoaderMemory()
  return name => openLoaderFile(folder, name, memory)
}

/**
 * Opens `name` of `folder`, or undefined if the folder lists no such regular file. The name is compared with a listing
 * and never put into a path itself. A link is resolved once, since Debian's `ipxe.efi` is one to /boot; what it points to
 * must be a regular file. What is sent is the version that was opened, from `memory` or from the open file, so replacing the file during a
 * transfer does not mix two versions (K22).
 */
async function openLoaderFile(folder: string, name: string, memory: LoaderMemory): Promise<TftpFile | undefined> {
  const listed = (await readdir(folder).catch(() => [])).find(entry => entry === name)
  const target = listed && (await realpath(join(folder, listed)).catch(() => undefined))
  // O_NONBLOCK: opening a FIFO would wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = target && (await open(target, flags).catch(() => undefined))
  if (!handle) return undefined
  try {
    const status = await handle.stat({ bigint: true })
    const size = Number(status.size)
    const bytes =
      status.isFile() && size <= LARGEST_LOADER_BYTES
        ? await memory.take(target, versionOf(status), size, () => readVersion(handle, versionOf(status), size))
        : undefined
    if (bytes || !status.isFile()) await handle.close()
    if (!status.isFile()) return undefined
    return bytes ? inMemory(bytes) : onDisk(handle, size)
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Another one after every change: writing moves ctime, which nobody can set back. */
function versionOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':')
}

/** The whole file; undefined when it changed meanwhile. */
async function readVersion(handle: FileHandle, version: string, size: number): Promise<Uint8Array | undefined> {
  const bytes = Buffer.allocUnsafeSlow(size)
  const isWhole = await readFully(handle, 0, bytes).then(
    () => true,
    () => false,
  )
  return isWhole && versionOf(await handle.stat({ bigint: true })) === version ? bytes : undefined
}

export function inMemory(bytes: Uint8Array): TftpFile {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    close: async () => {},
  }
}

function onDisk(handle: FileHandle, size: number): TftpFile {
  const ahead = new ReadAhead(size, (offset, memory) => readFully(handle, offset, memory))
  return { size, read: (offset, length) => ahead.read(offset, length), close: () => handle.close() }
}

/** A read may be short in the middle of a file; a file that shrank is an error, since its size was promised. */
export async function readFully(handle: FileHandle, offset: number, memory: Uint8Array): Promise<void> {
  for (let done = 0; done < memory.length; ) {
    const { bytesRead } = await handle.read(memory, done, memory.length - done, offset + done)
    if (bytesRead === 0) throw new Error('the file is shorter than it was')
    done += bytesRead
  }
}
