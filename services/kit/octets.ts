/** Memory for datagrams: parts of one large piece, since an ArrayBuffer for each costs more than what is written into it, and the garbage collector again. */

const PIECE_BYTES = 64 * 1024
/** Longer ones get memory of their own, so that little of a piece is wasted. */
const PART_BYTES_MOST = PIECE_BYTES / 16

let piece = new Uint8Array(PIECE_BYTES)
let used = 0

/** So many octets of zero, which nobody else has or ever gets. A part keeps its whole piece in memory, so it is for what does not live long. */
export function freshOctets(length: number): Uint8Array {
  if (length > PART_BYTES_MOST) return new Uint8Array(length)
  if (used + length > PIECE_BYTES) {
    piece = new Uint8Array(PIECE_BYTES)
    used = 0
  }
  const part = piece.subarray(used, used + length)
  used += length
  return part
}
