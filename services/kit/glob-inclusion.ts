/** Whether one glob takes everything that another takes: what shows that a later rule can never be reached. */
import { type Glob, type GlobToken, takesOne } from './glob.ts'

/** Two short patterns have a handful of places; a pair that has more is not worth its answer. */
const STATES_MOST = 4096

/** Private use: no pattern that people write holds it. */
const FIRST_OTHER = 0xe000
const LAST_POINT = 0x10ffff

function rangesOf(token: GlobToken): readonly (readonly [from: string, to: string])[] {
  if (token.kind === 'literal') return [[token.character, token.character]]
  return token.kind === 'set' ? token.ranges : []
}

/**
 * One character of every kind that the globs tell apart: they change their mind at the ends of ranges only, so each end and what stands
 * beside it will do, and one that is in none.
 */
function representatives(globs: readonly Glob[]): string[] {
  const ends = globs.flat().flatMap(rangesOf)
  const points = new Set(
    ends.flatMap(([from, to]) => {
      const [first, last] = [from.codePointAt(0)!, to.codePointAt(0)!]
      return [first - 1, first, first + 1, last - 1, last, last + 1]
    }),
  )
  points.add(FIRST_OTHER)
  return [...points].filter(point => point >= 0 && point <= LAST_POINT).map(point => String.fromCodePoint(point))
}

function isRun(token: GlobToken | undefined): boolean {
  return token?.kind === 'run'
}

/** The places that are reached without a character. */
function closed(glob: Glob, places: Iterable<number>): Set<number> {
  const all = new Set<number>()
  for (let at of places) {
    all.add(at)
    while (isRun(glob[at])) all.add(++at)
  }
  return all
}

function after(glob: Glob, places: ReadonlySet<number>, character: string): Set<number> {
  const next: number[] = []
  for (const at of places) {
    const token = glob[at]
    if (token === undefined) continue
    if (token.kind === 'run') next.push(at)
    else if (takesOne(token, character)) next.push(at + 1)
  }
  return closed(glob, next)
}

/**
 * True if every text that `specific` takes is taken by `general`; exact for `?`, `*` and sets. False where that is not so, and where
 * it cannot be shown: double stars, and pairs that are too large to look at.
 */
export function globIncludes(general: Glob, specific: Glob): boolean {
  const globs = [general, specific]
  if (globs.some(glob => glob.some(({ kind }) => kind === 'components'))) return false
  const alphabet = representatives(globs)
  const key = (...places: [wide: ReadonlySet<number>, narrow: ReadonlySet<number>]): string =>
    places.map(one => [...one].toSorted((a, b) => a - b).join()).join('/')
  const begin: [Set<number>, Set<number>] = [closed(general, [0]), closed(specific, [0])]
  const seen = new Set([key(...begin)])
  const open = [begin]
  for (let state = open.pop(); state; state = open.pop()) {
    const [wide, narrow] = state
    if (narrow.has(specific.length) && !wide.has(general.length)) return false
    for (const character of alphabet) {
      const next: [Set<number>, Set<number>] = [after(general, wide, character), after(specific, narrow, character)]
      if (next[1].size === 0 || seen.has(key(...next))) continue
      if (seen.size >= STATES_MOST) return false
      seen.add(key(...next))
      open.push(next)
    }
  }
  return true
}
