/**
 * Where in a TOML source a key stands. smol-toml knows positions only while it parses, so this reads the same source
 * once more and remembers where each key, header and array element begins. It never refuses anything: what it cannot
 * follow it skips, and a path that it does not find is placed at the nearest table around it. TOML 1.1 is understood.
 */

/** Both count from 1; columns are UTF-16 units, as smol-toml counts them. */
export type Position = { line: number; column: number }

/** A key's value, a table, an array element; `at` is an offset into the source. */
type Node = { at: number; explicit: boolean; keys: Map<string, Node>; items: Node[] }
type Cursor = { readonly source: string; at: number }
type Key = { name: string; at: number }

export type SourceIndex = { root: Node; lineStarts: readonly number[] }

/** Deeper than this nothing is told apart; it keeps the reader's own recursion bounded (M06). */
const DEEPEST = 64

export function locate(source: string, path: readonly (string | number)[]): Position {
  return find(indexSource(source), path)
}

export function find(index: SourceIndex, path: readonly (string | number)[]): Position {
  let node = index.root
  for (const part of path) {
    const next = typeof part === 'string' ? node.keys.get(part) : node.items[part]
    if (!next) break
    node = next
  }
  return positionOf(index.lineStarts, node.at)
}

/** Reads the whole source once; many paths can then be found cheaply. */
export function indexSource(source: string): SourceIndex {
  const cursor: Cursor = { source, at: source.charCodeAt(0) === 0xfeff ? 1 : 0 }
  const root = nodeAt(0)
  let table = root
  for (;;) {
    skipVoid(cursor)
    if (cursor.at >= source.length) break
    if (source[cursor.at] === '[') table = readHeader(cursor, root) ?? table
    else readKeyValue(cursor, table, 0)
    // Whatever is left of the line is a comment or something that TOML refuses.
    skipLine(cursor)
  }
  return { root, lineStarts: startsOfLines(source) }
}

function nodeAt(at: number): Node {
  return { at, explicit: false, keys: new Map(), items: [] }
}

/** The child of that name; made if it is new, so that the first of two equal keys keeps its place. */
function childOf(parent: Node, key: Key): Node {
  const known = parent.keys.get(key.name)
  if (known) return known
  const made = nodeAt(key.at)
  parent.keys.set(key.name, made)
  return made
}

/** `[a.b]` or `[[a.b]]`: the table that the following lines belong to. */
function readHeader(cursor: Cursor, root: Node): Node | undefined {
  const at = cursor.at
  const isArray = cursor.source[at + 1] === '['
  cursor.at += isArray ? 2 : 1
  const keys = readKeys(cursor).map(key => ({ name: key.name, at }))
  const last = keys.pop()
  if (!last) return undefined
  let parent = root
  for (const key of keys) {
    const child = childOf(parent, key)
    parent = child.items.at(-1) ?? child
  }
  const child = childOf(parent, last)
  if (isArray) {
    const item = nodeAt(at)
    child.items.push(item)
    return item
  }
  if (!child.explicit) child.at = at
  child.explicit = true
  return child
}

/** `a.b = value`; the value's own keys and elements are remembered below it. */
function readKeyValue(cursor: Cursor, table: Node, depth: number): void {
  const keys = readKeys(cursor)
  if (keys.length === 0 || cursor.source[cursor.at] !== '=') return
  let node = table
  for (const key of keys) node = childOf(node, key)
  cursor.at += 1
  skipBlanks(cursor)
  readValue(cursor, node, depth)
}

function readValue(cursor: Cursor, node: Node, depth: number): void {
  const first = cursor.source[cursor.at]
  if (first === '"' || first === "'") readString(cursor)
  else if ((first === '[' || first === '{') && depth < DEEPEST) readEntries(cursor, node, depth + 1, first === '{')
  else skipWord(cursor)
}

/** The inside of `[…]` or `{…}`. */
function readEntries(cursor: Cursor, node: Node, depth: number, isTable: boolean): void {
  const end = isTable ? '}' : ']'
  cursor.at += 1
  while (cursor.at < cursor.source.length) {
    skipVoid(cursor)
    const before = cursor.at
    if (cursor.source[cursor.at] === end) {
      cursor.at += 1
      return
    }
    if (isTable) {
      readKeyValue(cursor, node, depth)
    } else {
      const item = nodeAt(cursor.at)
      node.items.push(item)
      readValue(cursor, item, depth)
    }
    skipVoid(cursor)
    if (cursor.source[cursor.at] === ',') cursor.at += 1
    else if (cursor.at === before) return
  }
}

/** Dotted keys up to the `=` or `]` after them; empty if there is none. */
function readKeys(cursor: Cursor): Key[] {
  const keys: Key[] = []
  for (;;) {
    skipBlanks(cursor)
    const key = readKey(cursor)
    if (!key) return keys
    keys.push(key)
    skipBlanks(cursor)
    if (cursor.source[cursor.at] !== '.') return keys
    cursor.at += 1
  }
}

const BARE_KEY = /[A-Za-z0-9_-]+/y

function readKey(cursor: Cursor): Key | undefined {
  const { source, at } = cursor
  const first = source[at]
  if (first === '"' || first === "'") {
    readString(cursor)
    const inside = source.slice(at + 1, cursor.at - 1)
    return { name: first === '"' ? unescapeKey(inside) : inside, at }
  }
  BARE_KEY.lastIndex = at
  const bare = BARE_KEY.exec(source)
  if (!bare) return undefined
  cursor.at += bare[0].length
  return { name: bare[0], at }
}

const ESCAPE = /\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|.)/g
const SHORT_ESCAPES: Record<string, string> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\x1b' }
const LAST_CODE_POINT = 0x10ffff

function unescapeKey(text: string): string {
  return text.replace(ESCAPE, (whole, escape: string) => {
    if (escape.length === 1) return SHORT_ESCAPES[escape] ?? escape
    const code = Number.parseInt(escape.slice(1), 16)
    return code <= LAST_CODE_POINT ? String.fromCodePoint(code) : whole
  })
}

/** Moves behind the string that begins here; an unfinished one ends with its line, or with the source if it has several. */
function readString(cursor: Cursor): void {
  const { source, at } = cursor
  const quote = source[at]!
  const isMultiline = source.startsWith(quote.repeat(3), at)
  const end = isMultiline ? quote.repeat(3) : quote
  cursor.at += end.length
  while (cursor.at < source.length) {
    const here = source[cursor.at]
    if (source.startsWith(end, cursor.at)) {
      cursor.at += end.length
      // Up to two quotes may stand before the closing three.
      for (let extra = 0; isMultiline && extra < 2 && source[cursor.at] === quote; extra++) cursor.at += 1
      return
    }
    if (here === '\n' && !isMultiline) return
    cursor.at += here === '\\' && quote === '"' ? 2 : 1
  }
}

/** Moves on while the characters are among those; a loop, since a pattern over a large source needs a stack of its size. */
function skipWhile(cursor: Cursor, isSkipped: (character: string) => boolean): void {
  const { source } = cursor
  while (cursor.at < source.length && isSkipped(source[cursor.at]!)) cursor.at += 1
}

/** A number, date or boolean. */
function skipWord(cursor: Cursor): void {
  skipWhile(cursor, character => !',]}#\r\n'.includes(character))
}

function skipBlanks(cursor: Cursor): void {
  skipWhile(cursor, character => character === ' ' || character === '\t')
}

/** Blanks, line ends and comments. */
function skipVoid(cursor: Cursor): void {
  skipWhile(cursor, character => ' \t\r\n'.includes(character))
  while (cursor.source[cursor.at] === '#') {
    skipLine(cursor)
    skipWhile(cursor, character => ' \t\r\n'.includes(character))
  }
}

function skipLine(cursor: Cursor): void {
  const end = cursor.source.indexOf('\n', cursor.at)
  cursor.at = end < 0 ? cursor.source.length : end
}

function startsOfLines(source: string): number[] {
  const starts = [0]
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function positionOf(lineStarts: readonly number[], at: number): Position {
  let low = 0
  let high = lineStarts.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (lineStarts[middle]! <= at) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: at - lineStarts[low]! + 1 }
}
