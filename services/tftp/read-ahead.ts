/** Large files in pieces: the next piece is read while this one is sent, so that a transfer waits for the disk once, at its beginning. */

/** Two to four pieces are held by a transfer: one window may lie across two, and one is on its way. */
export const PIECE_BYTES = 256 * 1024

export type ReadPiece = (offset: number, length: number) => Promise<Uint8Array>

type Piece = { bytes?: Uint8Array; loaded: Promise<Uint8Array> }

/** Reads that go forwards, as transfers do; what lies before the last read is let go. */
export class ReadAhead {
  readonly #size: number
  readonly #pieceBytes: number
  readonly #readPiece: ReadPiece
  readonly #pieces = new Map<number, Piece>()

  /** `size` of the file in octets. `readPiece` resolves with exactly what it was asked for, or rejects. */
  constructor(size: number, readPiece: ReadPiece, pieceBytes = PIECE_BYTES) {
    this.#size = size
    this.#pieceBytes = pieceBytes
    this.#readPiece = readPiece
  }

  /** Octets within the file, at once if their pieces are here. Rejects as `readPiece` does. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0)
    const first = Math.floor(offset / this.#pieceBytes)
    const last = Math.floor((offset + length - 1) / this.#pieceBytes)
    for (const index of this.#pieces.keys()) if (index < first) this.#pieces.delete(index)
    const pieces: Piece[] = []
    for (let index = first; index <= last; index += 1) pieces.push(this.#piece(index))
    if ((last + 1) * this.#pieceBytes < this.#size) this.#piece(last + 1)
    const start = offset - first * this.#pieceBytes
    const here = pieces.flatMap(({ bytes }) => bytes ?? [])
    if (here.length === pieces.length) return cut(here, start, length)
    return Promise.all(pieces.map(({ loaded }) => loaded)).then(loaded => cut(loaded, start, length))
  }

  #piece(index: number): Piece {
    const before = this.#pieces.get(index)
    if (before) return before
    const offset = index * this.#pieceBytes
    const piece: Piece = { loaded: this.#readPiece(offset, Math.min(this.#pieceBytes, this.#size - offset)) }
    piece.loaded.then(
      bytes => {
        piece.bytes = bytes
      },
      // Whoever reads this piece hears of it; a transfer that ends before that need not.
      () => {},
    )
    this.#pieces.set(index, piece)
    return piece
  }
}

function cut(pieces: readonly Uint8Array[], start: number, length: number): Uint8Array {
  const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  return bytes.subarray(start, start + length)
}
