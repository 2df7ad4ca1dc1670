/** Writes an image to disk: whole, or not at all. */
import { constants, existsSync } from 'node:fs'
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { formatSize } from '../kit/amount.ts'
import type { Problem } from '../kit/problem.ts'
import { type Segment, totalLength } from '../kit/segments.ts'

const CHUNK_BYTES = 4 * 1024 ** 2

export type WriteRequest = {
  segments: readonly Segment[]
  output: string
  /** Permission bits of the new file. */
  mode: number
  /** Replaces what is there. */
  force: boolean
  onProgress: (written: number, total: number) => void
  /** Once it is aborted, writing ends and nothing is left. */
  signal: AbortSignal
}

const changed = (path: string) => new Error(`${path} ended early: somebody changes it`)

async function writeAll(output: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await output.write(bytes, at)).bytesWritten
}

/** Every source is opened once; patched images have many pieces of one file. */
class Sources {
  readonly #opened = new Map<string, FileHandle>()

  async get(path: string): Promise<FileHandle> {
    const known = this.#opened.get(path)
    if (known) return known
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    this.#opened.set(path, file)
    return file
  }

  async close(): Promise<void> {
    for (const file of this.#opened.values()) await file.close()
  }
}

async function copy(
  { segments, onProgress, signal }: WriteRequest,
  output: FileHandle,
  sources: Sources,
): Promise<void> {
  const total = totalLength(segments)
  const buffer = new Uint8Array(CHUNK_BYTES)
  let written = 0
  const write = async (bytes: Uint8Array): Promise<void> => {
    signal.throwIfAborted()
    await writeAll(output, bytes)
    written += bytes.length
    onProgress(written, total)
  }
  for (const segment of segments) {
    if (segment.from === 'memory') {
      await write(segment.bytes)
      continue
    }
    const source = await sources.get(segment.path)
    for (let at = 0; at < segment.length; ) {
      const wanted = Math.min(CHUNK_BYTES, segment.length - at)
      const { bytesRead } = await source.read(buffer, 0, wanted, segment.offset + at)
      if (bytesRead === 0) throw changed(segment.path)
      await write(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function problemOf(error: unknown, { output, segments, signal }: WriteRequest): Problem {
  const place = { file: output }
  const fail = (code: string, message: string, hint: string): Problem => ({
    code,
    message,
    hint,
    severity: 'error',
    place,
  })
  if (signal.aborted) return fail('iso-interrupted', 'interrupted; nothing was written', 'call it again')
  switch (codeOf(error)) {
    case 'EEXIST':
      return fail('iso-exists', 'there is a file already', 'name another, or replace it with --force')
    case 'ENOSPC':
    case 'EDQUOT': {
      const needed = formatSize(totalLength(segments))
      return fail('iso-no-space', `no room for ${needed}; nothing was written`, 'make room, or name another --output')
    }
    default: {
      const message = error instanceof Error ? error.message : String(error)
      return fail(
        'iso-unwritable',
        `the ISO cannot be written: ${message}`,
        'name an --output in a folder that you may write to',
      )
    }
  }
}

/** Gives the finished file its name. Without `force` only a name that is free, even if it was taken just now. */
async function publish(temporary: string, { output, force }: WriteRequest): Promise<void> {
  if (!force) {
    try {
      await link(temporary, output)
      return await unlink(temporary)
    } catch (error) {
      // FAT has no hard links, and nobody else to take the name in a moment.
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error)) || existsSync(output)) throw error
    }
  }
  await rename(temporary, output)
}

/**
 * Writes the segments beside `output`, flushes them to the disk, and only then gives them that name. Undefined if that
 * is done; else `iso-exists`, `iso-no-space`, `iso-unwritable` or `iso-interrupted`, and nothing is left behind.
 */
export async function writeImage(request: WriteRequest): Promise<Problem | undefined> {
  const { output, mode } = request
  const temporary = join(dirname(output), `.${basename(output)}.${process.pid}.part`)
  const sources = new Sources()
  let file: FileHandle | undefined
  try {
    file = await open(temporary, 'wx', mode)
    await copy(request, file, sources)
    await file.sync()
    await file.close()
    await publish(temporary, request)
    return undefined
  } catch (error) {
    await file?.close().catch(() => undefined)
    if (file) await unlink(temporary).catch(() => undefined)
    return problemOf(error, request)
  } finally {
    await sources.close()
  }
}
