/** A file made of byte ranges, some on disk and some in memory, opened for one transfer. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Segment, segmentLength, totalLength } from '../kit/segments.ts'
import type { TftpFile } from './file.ts'
import { readFully } from './load.ts'
import { ReadAhead } from './read-ahead.ts'

/** Files are opened once, so what is sent is one version of each. Rejects when one cannot be opened. */
export async function openSegments(segments: readonly Segment[]): Promise<TftpFile> {
  const handles = new Map<string, FileHandle>()
  const close = async (): Promise<void> => void (await Promise.all([...handles.values()].map(handle => handle.close())))
  try {
    for (const segment of segments)
      if (segment.from === 'file' && !handles.has(segment.path))
        handles.set(segment.path, await open(segment.path, constants.O_RDONLY | constants.O_NOFOLLOW))
  } catch (error) {
    await close()
    throw error
  }
  const size = totalLength(segments)
  const ahead = new ReadAhead(size, (offset, memory) => fill(segments, handles, offset, memory))
  return { size, read: (offset, length) => ahead.read(offset, length), close }
}

async function fill(
  segments: readonly Segment[],
  handles: ReadonlyMap<string, FileHandle>,
  offset: number,
  memory: Uint8Array,
): Promise<void> {
  let position = 0
  for (const segment of segments) {
    const length = segmentLength(segment)
    const from = Math.max(offset - position, 0)
    const to = Math.min(offset + memory.length - position, length)
    if (from < to) {
      const target = memory.subarray(position + from - offset, position + to - offset)
      if (segment.from === 'memory') target.set(segment.bytes.subarray(from, to))
      else await readFully(handles.get(segment.path)!, segment.offset + from, target)
    }
    position += length
    if (position >= offset + memory.length) return
  }
}
