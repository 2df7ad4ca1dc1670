/**
 * A file made on the wire: a list of byte ranges, some of them in files on disk, some in memory.
 * Plain, sliced, injected and wrapped files are all written this way, and one sender serves them.
 */

export type Segment =
  | { from: 'file'; path: string; offset: number; length: number }
  | { from: 'memory'; bytes: Uint8Array }

export function segmentLength(segment: Segment): number {
  return segment.from === 'file' ? segment.length : segment.bytes.length
}

export function totalLength(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segmentLength(segment), 0)
}

function cut(segment: Segment, start: number, length: number): Segment {
  return segment.from === 'file'
    ? { ...segment, offset: segment.offset + start, length }
    : { from: 'memory', bytes: segment.bytes.subarray(start, start + length) }
}

/** The same bytes from `offset` on, `length` of them; a range beyond the end is cut there. */
export function sliceSegments(segments: readonly Segment[], offset: number, length: number): Segment[] {
  const slice: Segment[] = []
  let position = 0
  const end = offset + length
  for (const segment of segments) {
    const size = segmentLength(segment)
    const start = Math.max(offset - position, 0)
    const stop = Math.min(end - position, size)
    if (start < stop) slice.push(cut(segment, start, stop - start))
    position += size
  }
  return slice
}

/** Replaces the bytes at `offset` by `bytes`, without changing the length. */
export function patchSegments(segments: readonly Segment[], offset: number, bytes: Uint8Array): Segment[] {
  const total = totalLength(segments)
  if (offset < 0 || offset + bytes.length > total) throw new RangeError(`patch at ${offset} runs past ${total} bytes`)
  const after = offset + bytes.length
  return [
    ...sliceSegments(segments, 0, offset),
    { from: 'memory', bytes },
    ...sliceSegments(segments, after, total - after),
  ]
}
