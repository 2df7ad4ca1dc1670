/**
 * Descriptors of files that are being sent: one for each file, however many clients it goes to, closed when the last of them has it. What is open is the
 * file that was looked at, also when another one gets its name meanwhile.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Segment } from '../kit/segments.ts'

export type OpenFile = {
  readonly path: string
  readonly handle: FileHandle
  /** Device, inode, size and time of change (nanoseconds): other bytes have another one. */
  readonly identity: string
  readonly size: bigint
  readonly changedAt: bigint
}

/** By path. */
export type FilesOfBody = ReadonlyMap<string, OpenFile>

type Shared = OpenFile & { users: number }

export class OpenFiles {
  readonly #shared = new Map<string, Shared>()

  /** Every file that the segments name; `release` gives them back. Rejects when one is missing, is no file, or is shorter than the segments say. */
  async open(segments: readonly Segment[]): Promise<FilesOfBody> {
    const files = new Map<string, OpenFile>()
    try {
      for (const segment of segments) {
        if (segment.from === 'memory') continue
        const file = files.get(segment.path) ?? (await this.#open(segment.path))
        files.set(segment.path, file)
        if (file.size < segment.offset + segment.length) throw new Error(`${segment.path} is shorter than it was`)
      }
      return files
    } catch (error) {
      await this.release(files)
      throw error
    }
  }

  async release(files: FilesOfBody): Promise<void> {
    for (const file of files.values()) {
      const shared = file as Shared
      shared.users -= 1
      if (shared.users > 0) continue
      if (this.#shared.get(shared.path) === shared) this.#shared.delete(shared.path)
      await shared.handle.close()
    }
  }

  async #open(path: string): Promise<OpenFile> {
    // What is no file must not keep us waiting for its other end.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const status = await handle.stat({ bigint: true })
      if (!status.isFile()) throw new Error(`${path} is no file`)
      const { dev, ino, size, mtimeNs: changedAt } = status
      const identity = `${dev}-${ino}-${size}-${changedAt}`
      const before = this.#shared.get(path)
      if (before?.identity === identity) {
        before.users += 1
        await handle.close()
        return before
      }
      const file = { path, handle, identity, size, changedAt, users: 1 }
      this.#shared.set(path, file)
      return file
    } catch (error) {
      await handle.close()
      throw error
    }
  }
}
