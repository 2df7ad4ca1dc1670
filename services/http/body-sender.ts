/**
 * Sends a list of byte segments as one body: plain, sliced, injected and wrapped files alike. Two buffers are used in turn, so that the next
 * piece is read while the last one drains; a stalled client holds two of them and no more.
 */
import { type FileHandle, open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { Segment } from '../kit/segments.ts'

const BUFFER_BYTES = 1024 * 1024
/**
 * What all bodies together hand to the kernel in one turn of the event loop. It copies at once what the socket has room for, and for those two or
 * three milliseconds no packet is heard (M08): with eight downloads of whole buffers each, DHCP waited ten.
 */
const TURN_BYTES = 2 * 1024 * 1024
const LEAST_BYTES = 64 * 1024

let bodies = 0

/** The part of a buffer that a body may fill while so many are under way. */
export function shareOf(underWay: number): number {
  return Math.min(BUFFER_BYTES, Math.max(LEAST_BYTES, Math.floor(TURN_BYTES / underWay)))
}

export type SendOutcome = { sent: number; complete: boolean }

/** Reads segments in order into whichever buffer it is given; files are opened once each. */
class SegmentReader {
  readonly #segments: readonly Segment[]
  readonly #files = new Map<string, FileHandle>()
  #index = 0
  #position = 0

  constructor(segments: readonly Segment[]) {
    this.#segments = segments
  }

  /** Fills the buffer as far as it goes; 0 at the end. Throws when a file is shorter than it was. */
  async fill(buffer: Uint8Array): Promise<number> {
    let filled = 0
    while (filled < buffer.length && this.#index < this.#segments.length) {
      const segment = this.#segments[this.#index]!
      const length = segment.from === 'file' ? segment.length : segment.bytes.length
      const wanted = Math.min(buffer.length - filled, length - this.#position)
      if (wanted > 0) await this.#copy(segment, buffer.subarray(filled, filled + wanted))
      filled += wanted
      this.#position += wanted
      if (this.#position < length) continue
      this.#index++
      this.#position = 0
    }
    return filled
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close()
  }

  async #copy(segment: Segment, target: Uint8Array): Promise<void> {
    if (segment.from === 'memory') {
      target.set(segment.bytes.subarray(this.#position, this.#position + target.length))
      return
    }
    const file = await this.#open(segment.path)
    let done = 0
    while (done < target.length) {
      const { bytesRead } = await file.read(target, done, target.length - done, segment.offset + this.#position + done)
      if (bytesRead === 0) throw new Error(`${segment.path} became shorter while it was sent`)
      done += bytesRead
    }
  }

  async #open(path: string): Promise<FileHandle> {
    const known = this.#files.get(path)
    if (known) return known
    const file = await open(path, 'r')
    this.#files.set(path, file)
    return file
  }
}

/** Resolves once the socket takes more, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const settle = (): void => {
      response.off('drain', settle)
      response.off('close', settle)
      resolve()
    }
    response.once('drain', settle)
    response.once('close', settle)
  })
}

/** Writes and resolves when the buffer may be used again. */
function written(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise(resolve => {
    const settle = (): void => {
      response.off('close', settle)
      resolve()
    }
    response.once('close', settle)
    response.write(bytes, settle)
  })
}

/** Ends the response; resolves also when the client is gone by then, since `finish` never comes after `close`. */
function ended(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    response.once('close', resolve)
    response.end(resolve)
  })
}

/**
 * Head must have been written. Ends the response; a client that goes away or a file that breaks ends it early and `complete` is false.
 * @param onSent called with the bytes handed to the socket so far
 */
export async function sendSegments(
  response: ServerResponse,
  segments: readonly Segment[],
  onSent: (sent: number) => void,
): Promise<SendOutcome> {
  const reader = new SegmentReader(segments)
  const buffers = [Buffer.allocUnsafe(BUFFER_BYTES), Buffer.allocUnsafe(BUFFER_BYTES)] as const
  const busy: Promise<void>[] = [Promise.resolve(), Promise.resolve()]
  let sent = 0
  bodies += 1
  try {
    for (let turn = 0; !response.destroyed; turn = 1 - turn) {
      await busy[turn]
      const filled = await reader.fill(buffers[turn as 0 | 1].subarray(0, shareOf(bodies)))
      if (filled === 0) break
      if (response.writableNeedDrain) await drained(response)
      busy[turn] = written(response, buffers[turn as 0 | 1].subarray(0, filled))
      sent += filled
      onSent(sent)
    }
    await Promise.all(busy)
    const complete = !response.destroyed
    if (complete) await ended(response)
    return { sent, complete }
  } catch {
    // The length was promised already: cutting the connection is the one honest way to say that it can't be kept.
    response.destroy()
    return { sent, complete: false }
  } finally {
    bodies -= 1
    await reader.close()
  }
}
