/** One door for everything that is sent as a file: HEAD, conditions, ranges, entity tags and exact lengths (L01, L02, L03). */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Segment, sliceSegments, totalLength } from '../kit/segments.ts'
import { type BootContext, clientAddress } from './context.ts'
import type { Part } from './counts.ts'
import type { FilesOfBody } from './open-files.ts'
import { tellRefusal } from './refusal.ts'
import { decidePrecondition, type Validators } from './precondition.ts'
import { decideRange } from './range.ts'

export type FileToSend = {
  /** As what it is counted. */
  part: Part
  segments: readonly Segment[]
  contentType: string
  /** Position in the whole file that the kernel has taken; first where it begins, which with a range is not 0. */
  onProgress?: (position: number, total: number) => void
  /** The last byte of the file was handed over, by this response. */
  onComplete?: (total: number) => void
}

type Door = Pick<BootContext, 'bodies' | 'log' | 'counts' | 'alarms'>

/**
 * In this spelling only do GRUB (2.12) and shim (16.1) know it, though names of fields have no case (RFC 9110 §5.1). Without it GRUB refuses the kernel
 * under Secure Boot as "too big", and shim fetches nothing.
 */
export const CONTENT_LENGTH = 'Content-Length'

const NANOSECONDS_PER_MS = 1_000_000n

/** The same bytes have the same tag: which parts of which file (by what identifies it), and what is between them. */
function etagOf(segments: readonly Segment[], files: FilesOfBody): string {
  const hash = createHash('sha256')
  for (const segment of segments) {
    if (segment.from === 'memory') hash.update(`memory ${segment.bytes.length}\n`).update(segment.bytes)
    else hash.update(`file ${files.get(segment.path)!.identity} ${segment.offset} ${segment.length}\n`)
  }
  return `"${hash.digest('base64url')}"`
}

/** What is made on the wire has no time of its own: another attempt's is as old as its ISO. */
function validatorsOf(segments: readonly Segment[], files: FilesOfBody): Validators {
  const changes = [...files.values()].map(({ changedAt }) => Number(changedAt / NANOSECONDS_PER_MS))
  const isAsStored = segments.every(({ from }) => from === 'file') && changes.length > 0
  const lastModified = isAsStored ? new Date(Math.max(...changes)).toUTCString() : undefined
  return { etag: etagOf(segments, files), lastModified }
}

function one(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(', ')
}

function conditionOf({ headers }: FastifyRequest, validators: Validators): 'send' | 304 | 412 {
  const conditions = {
    ifMatch: one(headers['if-match']),
    ifUnmodifiedSince: one(headers['if-unmodified-since']),
    ifNoneMatch: one(headers['if-none-match']),
    ifModifiedSince: one(headers['if-modified-since']),
  }
  return decidePrecondition(conditions, validators)
}

async function sendOpened(
  { bodies, counts }: Door,
  request: FastifyRequest,
  reply: FastifyReply,
  file: FileToSend,
  files: FilesOfBody,
): Promise<void> {
  const { part, segments, contentType, onProgress, onComplete } = file
  const size = totalLength(segments)
  const validators = validatorsOf(segments, files)
  const { etag, lastModified } = validators
  const head = {
    etag,
    ...(lastModified ? { 'last-modified': lastModified } : {}),
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
  }
  reply.hijack()
  const condition = conditionOf(request, validators)
  if (condition !== 'send') {
    counts.ended(part, 'unchanged')
    const length = condition === 412 ? { 'content-length': 0 } : {}
    reply.raw.writeHead(condition, { ...head, ...length }).end()
    return
  }
  // Ranges are defined for GET only (RFC 9110 §14.2).
  const range = request.method === 'GET' ? request.headers.range : undefined
  const decision = decideRange(size, range, one(request.headers['if-range']), etag)
  if (decision.status === 416) {
    counts.ended(part, 'no-such-range')
    reply.raw.writeHead(416, { ...head, 'content-range': decision.contentRange, 'content-length': 0 }).end()
    return
  }
  const { status, start, length } = decision
  const contentRange = status === 206 ? { 'content-range': decision.contentRange } : {}
  reply.raw.writeHead(status, { 'content-type': contentType, ...head, ...contentRange, [CONTENT_LENGTH]: length })
  if (request.method === 'HEAD') {
    counts.ended(part, 'head')
    reply.raw.end()
    return
  }
  onProgress?.(start, size)
  let counted = 0
  const { sent, complete } = await bodies.sender.send(reply.raw, {
    segments: sliceSegments(segments, start, length),
    files,
    // By then the client may have closed: its address was asked for before.
    machine: clientAddress(request.socket.remoteAddress),
    onSent: bytes => {
      counts.sent(part, bytes - counted)
      counted = bytes
      onProgress?.(start + bytes, size)
    },
  })
  counts.sent(part, Math.max(0, sent - counted))
  const isWhole = start === 0 && sent === size
  counts.ended(part, complete ? (isWhole ? 'whole' : 'range') : 'cut')
  if (complete && start + sent === size) onComplete?.(size)
}

/** Files are opened before the head is written, so that one that is gone is an error, and no broken connection. */
export async function sendFile(
  door: Door,
  request: FastifyRequest,
  reply: FastifyReply,
  file: FileToSend,
): Promise<FastifyReply> {
  const { files } = door.bodies
  let opened: FilesOfBody
  try {
    opened = await files.open(file.segments)
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    const address = clientAddress(request.socket.remoteAddress)
    tellRefusal(door, 'file', 'file-changed', { address, part: file.part, error: what })
    return reply.code(500).type('text/plain').send('this file was changed or removed; try again in a minute\n')
  }
  try {
    await sendOpened(door, request, reply, file, opened)
  } finally {
    await files.release(opened)
  }
  return reply
}
