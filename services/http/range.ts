/** Byte ranges of a request (RFC 9110 §14), as a pure function over the header and the length. */

export type RangeDecision =
  | { status: 200; start: number; length: number }
  | { status: 206; start: number; length: number; contentRange: string }
  | { status: 416; contentRange: string }

const ONE_RANGE = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/

function partial(start: number, end: number, size: number): RangeDecision {
  return { status: 206, start, length: end - start + 1, contentRange: `bytes ${start}-${end}/${size}` }
}

/**
 * One range is honoured; several, another unit or nonsense are ignored and the whole is sent, as §14.2 allows.
 * If-Range is compared with our entity tag; a mismatch means the whole, too (§13.1.5).
 */
export function decideRange(
  size: number,
  header: string | undefined,
  ifRange: string | undefined,
  etag: string,
): RangeDecision {
  const whole: RangeDecision = { status: 200, start: 0, length: size }
  const match = header === undefined ? null : ONE_RANGE.exec(header.replaceAll(' ', ''))
  if (!match || (ifRange !== undefined && ifRange !== etag)) return whole
  const [, first, last, suffix] = match
  const unsatisfiable: RangeDecision = { status: 416, contentRange: `bytes */${size}` }
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size)
    return length === 0 ? unsatisfiable : partial(size - length, size - 1, size)
  }
  const start = Number(first)
  if (start >= size) return unsatisfiable
  if (last && Number(last) < start) return whole
  return partial(start, last ? Math.min(Number(last), size - 1) : size - 1, size)
}
