/**
 * The globs of the installer's filters: those of Rust's `glob` crate with its default options. `?` is one character, `*`
 * any run (also over slashes), `[a-z]` and `[!a-z]` one character in or not in a set, two stars whole path components. Case counts, and
 * there is no escape character.
 */

export type GlobToken =
  | { kind: 'one' | 'run' | 'components' }
  | { kind: 'literal'; character: string }
  | { kind: 'set'; ranges: readonly (readonly [from: string, to: string])[]; isNegated: boolean }

export type Glob = readonly GlobToken[]

/** `at` is the index of the character, counted in Unicode code points. */
export type GlobMistake = { message: string; at: number }

/** Two stars stand for whole path components only: between slashes or at the ends. `end` is behind the last star. */
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

function readSet(members: readonly string[]): GlobToken {
  const isNegated = members[0] === '!'
  const ranges: [string, string][] = []
  for (let i = isNegated ? 1 : 0; i < members.length; i++) {
    const isRange = members[i + 1] === '-' && i + 2 < members.length
    ranges.push([members[i]!, members[isRange ? i + 2 : i]!])
    if (isRange) i += 2
  }
  return { kind: 'set', ranges, isNegated }
}

/** What is wrong the installer would find out on the machine only. */
export function parseGlob(pattern: string): Glob | GlobMistake {
  const characters = Array.from(pattern)
  const tokens: GlobToken[] = []
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!
    if (character === '*') {
      let end = i
      while (characters[end] === '*') end++
      const message = findStarMistake(characters, i, end)
      if (message !== undefined) return { message, at: i }
      tokens.push({ kind: end - i === 2 ? 'components' : 'run' })
      // The slash belongs to the components before it: two stars, slash, x match x alone, too.
      i = end - i === 2 && characters[end] === '/' ? end : end - 1
    } else if (character === '[') {
      const close = endOfSet(characters, i)
      if (close < 0) return { message: 'a [ has no matching ]', at: i }
      tokens.push(readSet(characters.slice(i + 1, close)))
      i = close
    } else tokens.push(character === '?' ? { kind: 'one' } : { kind: 'literal', character })
  }
  return tokens
}

/** What is wrong with a glob; undefined if nothing is. */
export function findGlobMistake(pattern: string): string | undefined {
  const parsed = parseGlob(pattern)
  return 'message' in parsed ? parsed.message : undefined
}

/** Whether that token takes this one character; a run of them is not asked. */
export function takesOne(token: GlobToken, character: string): boolean {
  switch (token.kind) {
    case 'one':
      return true
    case 'literal':
      return token.character === character
    case 'set': {
      const point = character.codePointAt(0)!
      const isMember = token.ranges.some(([from, to]) => from.codePointAt(0)! <= point && point <= to.codePointAt(0)!)
      return isMember !== token.isNegated
    }
    default:
      return false
  }
}

/**
 * Whether the whole value fits. Follows all places in the pattern at once, so that no pattern takes longer than its length times
 * that of the value.
 */
export function globMatches(glob: Glob, value: string): boolean {
  const isMany = (at: number): boolean => glob[at]?.kind === 'run' || glob[at]?.kind === 'components'
  let places = new Set<number>()
  const enter = (at: number, into: Set<number>): void => {
    for (; !into.has(at); at++) {
      into.add(at)
      if (!isMany(at)) return
    }
  }
  enter(0, places)
  for (const character of value) {
    const next = new Set<number>()
    for (const at of places) {
      const token = glob[at]
      if (token === undefined) continue
      if (token.kind === 'run') enter(at, next)
      else if (token.kind === 'components') {
        // What follows may begin behind a slash only; where nothing follows, they take all.
        next.add(at)
        if (character === '/' || at === glob.length - 1) enter(at + 1, next)
      } else if (takesOne(token, character)) enter(at + 1, next)
    }
    places = next
  }
  return places.has(glob.length)
}

/** Text that a glob matches literally: special characters become sets of one member. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[?*[]/g, character => `[${character}]`)
}
