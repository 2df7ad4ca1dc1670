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

/** Narrower, a text is no longer read but spelled. */
const NARROWEST = 24

/** Of what has no room in its line. */
export const INDENT = 4

/** A text behind its lead; its further lines are indented, below the first one unless told otherwise. */
export function hang(lead: string, text: string, width: number, indent = lead.length): string {
  const lines = wrap(text.split(' '), Math.max(NARROWEST, width - Math.max(lead.length, indent)))
  return lead + lines.join(`\n${' '.repeat(indent)}`)
}
