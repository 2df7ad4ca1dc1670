/** The bytes that a list of segments stands for, read as a sender would. */
import { open } from 'node:fs/promises'
import type { Segment } from '../../services/kit/segments.ts'

async function readSegment(segment: Segment): Promise<Uint8Array> {
  if (segment.from === 'memory') return segment.bytes
  const file = await open(segment.path)
  try {
    const bytes = new Uint8Array(segment.length)
    const { bytesRead } = await file.read(bytes, 0, segment.length, segment.offset)
    if (bytesRead !== segment.length) throw new Error(`segment runs past the end of ${segment.path}`)
    return bytes
  } finally {
    await file.close()
  }
}

export async function bytesOf(segments: readonly Segment[]): Promise<Uint8Array> {
  return Buffer.concat(await Promise.all(segments.map(readSegment)))
}
