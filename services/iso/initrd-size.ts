/** How large an initrd is once the kernel has unpacked it: it is streamed through the decompressor, and nothing of it is kept. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { IsoFile } from './iso9660.ts'

/** Proxmox's unpacks to a quarter of that; an archive that unpacks without end stops here. */
const MOST_UNPACKED_BYTES = 1024 ** 3
/** Large ones, since each is a task of its own for the threads that do the work. */
const CHUNK_BYTES = 512 * 1024
const CHUNKS = { chunkSize: CHUNK_BYTES }
const MAGIC_BYTES = 6

/** The form by its first bytes (Linux, lib/decompress.c); `other` is read by kernels, but not by us. */
function compressionOf(magic: Uint8Array): 'zstd' | 'gzip' | 'none' | 'other' {
  const hex = Buffer.from(magic).toString('hex')
  if (hex.startsWith('28b52ffd')) return 'zstd'
  if (hex.startsWith('1f8b')) return 'gzip'
  // "07070": a cpio archive as it is.
  return hex.startsWith('3037303730') ? 'none' : 'other'
}

async function magicOf(path: string, offset: number): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, offset)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/**
 * Bytes of the initrd unpacked; undefined if it is in a form that is not read here, is damaged, or unpacks to more than
 * 1 GiB. One that is not compressed is its own size, also where a compressed archive follows. Rejects when the file
 * cannot be read, or with the signal's reason.
 */
export async function measureInitrd(path: string, initrd: IsoFile, signal: AbortSignal): Promise<number | undefined> {
  const { offset, length } = initrd
  const compression = compressionOf(await magicOf(path, offset))
  if (compression === 'none') return length
  if (compression === 'other') return undefined
  let unpacked = 0
  const count = new Writable({
    write(chunk: Buffer, _, done) {
      unpacked += chunk.length
      done(unpacked > MOST_UNPACKED_BYTES ? new Error('unpacks to more than 1 GiB') : null)
    },
  })
  const unpack: Transform = compression === 'zstd' ? createZstdDecompress(CHUNKS) : createGunzip(CHUNKS)
  const source = createReadStream(path, { start: offset, end: offset + length - 1, highWaterMark: CHUNK_BYTES })
  try {
    await pipeline(source, unpack, count, { signal })
    return unpacked
  } catch (error) {
    // What the kernel refuses is no fault of the archive.
    if (signal.aborted || (error instanceof Error && 'syscall' in error)) throw error
    return undefined
  }
}
