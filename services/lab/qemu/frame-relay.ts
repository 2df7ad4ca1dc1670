/** Passes the frames that a machine sends through this process: QEMU's `filter-redirector` on two sockets. */
import type { Duplex } from 'node:stream'
import { isTftpRead, withoutMarks } from './unmarked.ts'

/** QEMU puts a length of four bytes in front of each frame. */
const LENGTH_BYTES = 4
/** Above what any segmentation offload makes of a frame; more means that the stream is out of step. */
const MOST_FRAME_BYTES = 1 << 20

/** Frames of a stream that come in any pieces. `take` returns those that are whole, in order, with their lengths in front. */
export class FrameStream {
  #rest = Buffer.alloc(0)

  /** Throws RangeError when a length cannot be one. */
  take(bytes: Buffer): Buffer[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const frames: Buffer[] = []
    let at = 0
    while (all.length - at >= LENGTH_BYTES) {
      const size = all.readUInt32BE(at)
      if (size > MOST_FRAME_BYTES) throw new RangeError(`a frame of ${size} bytes`)
      if (all.length - at < LENGTH_BYTES + size) break
      frames.push(all.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + size))
      at += LENGTH_BYTES + size
    }
    this.#rest = Buffer.from(all.subarray(at))
    return frames
  }
}

export type FrameRelay = {
  /** The machine starts anew: its firmware speaks again. */
  bootBegins(): void
}

/** `onLoader` is called once a boot, when the first TFTP read request went by. */
export function relayFrames(out: Duplex, back: Duplex, onLoader: () => void): FrameRelay {
  const stream = new FrameStream()
  let firmwareSpeaks = true
  const pass = (frame: Buffer): void => {
    if (firmwareSpeaks && isTftpRead(frame)) {
      firmwareSpeaks = false
      onLoader()
    }
    const sent = firmwareSpeaks ? withoutMarks(frame) : frame
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(sent.length)
    back.write(Buffer.concat([length, sent]))
  }
  out.on('data', (bytes: Buffer) => stream.take(bytes).forEach(pass))
  // Both ends go when the machine goes; that is told by its process.
  for (const end of [out, back]) end.on('error', () => {})
  return {
    bootBegins() {
      firmwareSpeaks = true
    },
  }
}
