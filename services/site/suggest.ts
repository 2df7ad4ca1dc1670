/** The word that was probably meant. */

/** Longer words are never compared: a site file has no key of that length, and the comparison costs its square. */
const LONGEST_WORD = 64

/** The known word nearest to the written one, or undefined if none is near; the earlier of two equally near ones. */
export function suggest(written: string, known: readonly string[]): string | undefined {
  if (written.length > LONGEST_WORD) return undefined
  const word = plain(written)
  // Secrets are named by files here, so "secret" means "secret-file".
  const asFile = known.find(candidate => candidate === `${word}-file`)
  if (asFile) return asFile
  const tolerated = Math.max(1, Math.floor(word.length / 3))
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(word, plain(candidate), tolerated)
    if (distance <= tolerated && (!best || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll('_', '-')
}

/**
 * Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment). What is more
 * than `most` is told as some number above it.
 */
export function editDistance(from: string, to: string, most = Number.POSITIVE_INFINITY): number {
  if (Math.abs(from.length - to.length) > most) return most + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  let leastOfLast = 0
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    let least = row
    for (let column = 1; column <= to.length; column++) {
      const replaced = last[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1)
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, replaced)
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (isSwap) cost = Math.min(cost, beforeLast[column - 2]! + 1)
      current.push(cost)
      if (cost < least) least = cost
    }
    // Every way leads through one of two neighbouring rows, and none through these is short enough.
    if (least > most && leastOfLast > most) return most + 1
    leastOfLast = least
    beforeLast = last
    last = current
  }
  return last[to.length]!
}
