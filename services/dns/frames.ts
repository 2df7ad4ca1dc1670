/** DNS over TCP: a stream of messages, each behind its length in two octets (RFC 7766 §8). */

/** What came in and is not complete yet. */
export type FrameBuffer = { pending: Uint8Array }

export type Frames = { messages: Uint8Array[]; buffer: FrameBuffer } | 'too-long'

export const EMPTY_FRAME_BUFFER: FrameBuffer = { pending: new Uint8Array(0) }

/** Cuts complete messages off; `too-long` when a message claims more than `longest` octets. */
export function takeFrames(buffer: FrameBuffer, chunk: Uint8Array, longest: number): Frames {
  let bytes = buffer.pending.length === 0 ? chunk : Buffer.concat([buffer.pending, chunk])
  const messages: Uint8Array[] = []
  while (bytes.length >= 2) {
    const length = (bytes[0]! << 8) | bytes[1]!
    if (length > longest) return 'too-long'
    if (bytes.length < 2 + length) break
    messages.push(bytes.subarray(2, 2 + length))
    bytes = bytes.subarray(2 + length)
  }
  return { messages, buffer: { pending: bytes } }
}

export function frame(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length)
  bytes[0] = message.length >> 8
  bytes[1] = message.length & 255
  bytes.set(message, 2)
  return bytes
}
