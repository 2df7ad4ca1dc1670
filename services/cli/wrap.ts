/** Lines of words, each at most so many characters unless one word alone is longer. */
export function wrap(words: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Of a terminal; what goes elsewhere is not wrapped. */
export function widthOf({ isTTY, columns }: { isTTY?: boolean; columns?: number }): number {
  return isTTY === true ? columns || USUAL_COLUMNS : Infinity
}

/** Some terminals say that they have none. */
export const USUAL_COLUMNS = 80
