/**
 * What TOML 1.1 allows and TOML 1.0 does not: line breaks and a last comma inside `{ }`, and the escapes `\e` and `\xHH`.
 * Our parser reads both, the installer (Rust's toml crate, as Debian ships it) only 1.0.
 */
import type { Position } from '../site/locate.ts'

export type NewerToml = { at: Position; what: string; hint: string }

const LINE_BREAK = { what: 'a line break inside { }', hint: 'write the table on one line, or as a section of its own' }
const LAST_COMMA = { what: 'a comma before }', hint: 'remove the comma' }
const ESCAPE = { what: 'an escape that TOML 1.0 does not have', hint: 'write it as \\u00HH' }

type Scan = { source: string; at: number; found: Map<number, Pick<NewerToml, 'what' | 'hint'>> }

/** Moves behind the string that begins here; its end is that of the line if it has none. */
function skipString(scan: Scan): void {
  const { source } = scan
  const quote = source[scan.at]!
  const isMultiline = source.startsWith(quote.repeat(3), scan.at)
  const end = isMultiline ? quote.repeat(3) : quote
  for (scan.at += end.length; scan.at < source.length; scan.at++) {
    if (source[scan.at] === '\\' && quote === '"') {
      if ('ex'.includes(source[scan.at + 1] ?? ' ')) scan.found.set(scan.at, ESCAPE)
      scan.at++
    } else if (source.startsWith(end, scan.at)) {
      scan.at += end.length - 1
      // Up to two more quotes belong to the text.
      while (isMultiline && source[scan.at + 1] === quote) scan.at++
      return
    } else if (!isMultiline && source[scan.at] === '\n') return
  }
}

function skipComment(scan: Scan): void {
  const end = scan.source.indexOf('\n', scan.at)
  scan.at = (end < 0 ? scan.source.length : end) - 1
}

/** In the order of the text, which has no mistakes of syntax. */
export function findNewerToml(source: string): NewerToml[] {
  const scan: Scan = { source, at: 0, found: new Map() }
  const open: { bracket: string; at: number }[] = []
  let last = ''
  for (; scan.at < source.length; scan.at++) {
    const character = source[scan.at]!
    const inside = open.at(-1)
    if (character === '"' || character === "'") skipString(scan)
    else if (character === '#') skipComment(scan)
    else if (character === '{' || character === '[') open.push({ bracket: character, at: scan.at })
    else if (character === '}' || character === ']') {
      if (character === '}' && last === ',') scan.found.set(scan.at, LAST_COMMA)
      open.pop()
    } else if (character === '\n' && inside?.bracket === '{') scan.found.set(inside.at, LINE_BREAK)
    if (!/\s/.test(character) && character !== '#') last = character
  }
  const found = [...scan.found].sort(([a], [b]) => a - b)
  return found.map(([at, what]) => ({ at: positionAt(source, at), ...what }))
}

function positionAt(source: string, at: number): Position {
  const before = source.slice(0, at).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}
