/**
 * The globs of the installer's filters: those of Rust's `glob` crate, where `?` is one character, `*` any run (also over
 * slashes), `[a-z]` and `[!a-z]` one character in or not in a set. There is no escape character.
 */

/** What is wrong with a glob, as the installer would find out on the machine only; undefined if nothing is. */
export function findGlobMistake(pattern: string): string | undefined {
  const characters = Array.from(pattern)
  for (let i = 0; i < characters.length; i++) {
    if (characters[i] === '*') {
      let end = i
      while (characters[end] === '*') end++
      const mistake = findStarMistake(characters, i, end)
      if (mistake) return mistake
      i = end - 1
    } else if (characters[i] === '[') {
      const close = endOfSet(characters, i)
      if (close < 0) return 'a [ has no matching ]'
      i = close
    }
  }
  return undefined
}

/** Two stars stand for whole path components only: between slashes or at the ends. */
function findStarMistake(characters: readonly string[], start: number, end: number): string | undefined {
  if (end - start > 2) return 'three stars in a row'
  const isComponent =
    (start === 0 || characters[start - 1] === '/') && (end === characters.length || characters[end] === '/')
  return end - start === 2 && !isComponent ? 'two stars beside something else than a slash' : undefined
}

/** Index of the closing bracket; the first member of a set is literal, also if it is a closing bracket itself. */
function endOfSet(characters: readonly string[], open: number): number {
  const firstMember = characters[open + 1] === '!' ? open + 2 : open + 1
  return characters.indexOf(']', firstMember + 1)
}

/** Text that a glob matches literally: special characters become sets of one member. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[?*[]/g, character => `[${character}]`)
}
