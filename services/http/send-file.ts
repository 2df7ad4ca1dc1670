/** One door for everything that is sent as a file: HEAD, ranges, entity tags and exact lengths (L01, L02, L03). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Segment, sliceSegments, totalLength } from '../kit/segments.ts'
import { sendSegments } from './body-sender.ts'
import { decideRange } from './range.ts'

export type FileToSend = {
  segments: readonly Segment[]
  /** Quoted; the same bytes have the same tag. */
  etag: string
  contentType: string
  /** Position in the whole file that has been handed to the socket. */
  onProgress?: (position: number, total: number) => void
  /** The last byte of the file was handed over, by this response. */
  onComplete?: (total: number) => void
}

export async function sendFile(request: FastifyRequest, reply: FastifyReply, file: FileToSend): Promise<void> {
  const size = totalLength(file.segments)
  const { range, 'if-range': ifRange } = request.headers
  const decision = decideRange(size, range, typeof ifRange === 'string' ? ifRange : undefined, file.etag)
  reply.hijack()
  const head = {
    'content-type': file.contentType,
    'accept-ranges': 'bytes',
    etag: file.etag,
    'cache-control': 'no-store',
  }
  if (decision.status === 416) {
    reply.raw.writeHead(416, { ...head, 'content-range': decision.contentRange, 'content-length': 0 }).end()
    return
  }
  const contentRange = decision.status === 206 ? { 'content-range': decision.contentRange } : {}
  reply.raw.writeHead(decision.status, { ...head, ...contentRange, 'content-length': decision.length })
  if (request.method === 'HEAD') {
    reply.raw.end()
    return
  }
  const slice = sliceSegments(file.segments, decision.start, decision.length)
  const outcome = await sendSegments(reply.raw, slice, sent => file.onProgress?.(decision.start + sent, size))
  if (outcome.complete && decision.start + outcome.sent === size) file.onComplete?.(size)
}
