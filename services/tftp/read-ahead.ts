/** Large files in pieces: the next piece is read while this one is sent, so that a transfer waits for the disk once, at its beginning. */

/** Two to four pieces are held by a transfer: one window may lie across two, and one is on its way. */
export const PIECE_BYTES = 256 * 1024

/** Fills the memory with the octets of the file from `offset` on, or rejects. */
export type ReadPiece = (offset: number, memory: Uint8Array) => Promise<void>

/** `bytes` are there once they are read. */
type Piece = { index: number; memory: Uint8Array; bytes?: Uint8Array; loaded: Promise<Uint8Array> }

/**
 * Reads that go forwards, one at a time, as transfers do. What lies before the last read is let go, and its memory used for what comes: memory
 * that is new for each piece makes the garbage collector search all there is.
 */
export class ReadAhead {
  readonly #size: number
  readonly #pieceBytes: number
  readonly #readPiece: ReadPiece
  readonly #pieces = new Map<number, Piece>()
  readonly #free: Uint8Array[] = []
  /** In which the last read lay as a whole, once it was here. */
  #present: Piece | undefined

  /** `size` of the file in octets. */
  constructor(size: number, readPiece: ReadPiece, pieceBytes = PIECE_BYTES) {
    this.#size = size
    this.#pieceBytes = pieceBytes
    this.#readPiece = readPiece
  }

  /** Octets within the file, at once if their pieces are here; valid until the next read. Rejects as `readPiece` does. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0)
    const first = Math.floor(offset / this.#pieceBytes)
    const start = offset - first * this.#pieceBytes
    if (this.#present?.index === first && start + length <= this.#pieceBytes)
      return this.#present.bytes!.subarray(start, start + length)
    this.#present = undefined
    const pieces = this.#take(first, Math.floor((offset + length - 1) / this.#pieceBytes))
    const here = pieces.flatMap(({ bytes }) => bytes ?? [])
    if (here.length < pieces.length)
      return Promise.all(pieces.map(({ loaded }) => loaded)).then(loaded => cut(loaded, start, length))
    if (pieces.length === 1) this.#present = pieces[0]
    return cut(here, start, length)
  }

  /** The pieces from first to last; those before are let go, and the next one is begun. */
  #take(first: number, last: number): Piece[] {
    for (const { index, bytes, memory } of this.#pieces.values()) {
      if (index >= first) continue
      this.#pieces.delete(index)
      // One that is still being read, or failed, keeps its memory.
      if (bytes) this.#free.push(memory)
    }
    const pieces: Piece[] = []
    for (let index = first; index <= last; index += 1) pieces.push(this.#piece(index))
    if ((last + 1) * this.#pieceBytes < this.#size) this.#piece(last + 1)
    return pieces
  }

  #piece(index: number): Piece {
    const before = this.#pieces.get(index)
    if (before) return before
    const offset = index * this.#pieceBytes
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#pieceBytes)
    const bytes = memory.subarray(0, Math.min(this.#pieceBytes, this.#size - offset))
    const piece: Piece = { index, memory, loaded: this.#readPiece(offset, bytes).then(() => bytes) }
    piece.loaded.then(
      () => {
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
