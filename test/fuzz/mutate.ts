/** Changes octets by chance, the same changes for the same seed. */

/** mulberry32: 32 bits of state, good enough to choose octets. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 to below. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

/** Lengths and counts that parsers stumble over. */
const EDGES = [0, 1, 2, 3, 4, 6, 7, 15, 16, 17, 63, 64, 127, 128, 191, 192, 193, 254, 255]
const MOST_CHANGES = 6

type Change = (bytes: Uint8Array, chance: Chance, words: readonly Uint8Array[], other: Uint8Array) => Uint8Array

function spliced(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes.subarray(0, at), ...inserted, ...bytes.subarray(at + removed)])
}

function withOctet(bytes: Uint8Array, at: number, octet: number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  if (at < changed.length) changed[at] = octet
  return changed
}

const CHANGES: readonly Change[] = [
  (bytes, chance) => {
    const at = chance.below(bytes.length)
    return withOctet(bytes, at, (bytes[at] ?? 0) ^ (1 << chance.below(8)))
  },
  (bytes, chance) => withOctet(bytes, chance.below(bytes.length), chance.below(256)),
  (bytes, chance) => withOctet(bytes, chance.below(bytes.length), chance.of(EDGES)),
  (bytes, chance) => bytes.slice(0, chance.below(bytes.length + 1)),
  (bytes, chance) => spliced(bytes, chance.below(bytes.length), 1 + chance.below(8), new Uint8Array()),
  (bytes, chance) => spliced(bytes, chance.below(bytes.length + 1), 0, new Uint8Array(1 + chance.below(40))),
  (bytes, chance) => {
    const from = chance.below(bytes.length)
    return spliced(bytes, chance.below(bytes.length + 1), 0, bytes.slice(from, from + 1 + chance.below(64)))
  },
  (bytes, chance, words) => spliced(bytes, chance.below(bytes.length + 1), 0, chance.of(words)),
  (bytes, chance, words) => {
    const word = chance.of(words)
    return spliced(bytes, chance.below(bytes.length + 1), word.length, word)
  },
  (bytes, chance, _, other) => {
    const from = chance.below(other.length)
    return spliced(bytes, chance.below(bytes.length + 1), 0, other.slice(from, from + chance.below(128)))
  },
  (bytes, chance, _, other) =>
    Uint8Array.from([
      ...bytes.slice(0, chance.below(bytes.length + 1)),
      ...other.slice(chance.below(other.length + 1)),
    ]),
]

/** A few changes to one input, perhaps with pieces of another. */
export function mutate(
  bytes: Uint8Array,
  other: Uint8Array,
  words: readonly Uint8Array[],
  maxBytes: number,
  chance: Chance,
): Uint8Array {
  let changed = bytes
  for (let left = 1 + chance.below(MOST_CHANGES); left > 0; left -= 1) {
    changed = chance.of(CHANGES)(changed, chance, words, other)
  }
  return changed.slice(0, maxBytes)
}
