/**
 * Domain names as opaque labels (RFC 2181 §11). Inside the room a name is text with one character per octet and dots
 * between labels; a dot that stands inside a label is written U+012E, so it can never be taken for a border (J07).
 * U+012E is chosen because its low octet is a dot: the codec keeps the low eight bits, so such a label leaves as it came.
 */

const DOT_INSIDE_LABEL = '\u012e'
const LONGEST_LABEL = 63
const LONGEST_NAME = 255
const POINTER = 0xc0
/** Far more than any encoder makes; without an end a few hundred names would cost a million steps. */
const MOST_POINTERS = 126

/** `next` is the offset behind the name where it was read, also if it ended in a pointer. */
export type WalkedName = { name: string; next: number; compressed: boolean }

/**
 * Reads a name at `offset`; undefined for whatever RFC 1035 §2.3.4 and §4.1.4 do not allow.
 * Pointers must go backwards, each before the one that was followed, and there are so many at most (J06).
 */
export function walkName(message: Uint8Array, offset: number): WalkedName | undefined {
  const labels: string[] = []
  let length = 1
  let position = offset
  let before = offset
  let next: number | undefined
  let pointers = 0
  for (;;) {
    const head = message[position]
    if (head === undefined) return undefined
    if ((head & POINTER) === POINTER) {
      const low = message[position + 1]
      if (low === undefined) return undefined
      next ??= position + 2
      position = ((head & 0x3f) << 8) | low
      pointers += 1
      if (position >= before || pointers > MOST_POINTERS) return undefined
      before = position
    } else if (head === 0) {
      return { name: labels.join('.'), next: next ?? position + 1, compressed: next !== undefined }
    } else {
      length += head + 1
      if (head > LONGEST_LABEL || length > LONGEST_NAME || position + head >= message.length) return undefined
      labels.push(labelText(message, position + 1, position + 1 + head))
      position += head + 1
    }
  }
}

function labelText(message: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; at += 1) {
    const octet = message[at]!
    text += octet === 0x2e ? DOT_INSIDE_LABEL : String.fromCharCode(octet)
  }
  return text
}

/** The octets of a name, uncompressed. The low octet of a dot inside a label is a dot. */
export function encodeName(name: string): Uint8Array {
  if (name === '') return Uint8Array.of(0)
  const octets = new Uint8Array(name.length + 2)
  let head = 0
  for (let at = 0; at < name.length; at += 1) {
    if (name[at] === '.') {
      octets[head] = at - head
      head = at + 1
    } else octets[at + 1] = name.charCodeAt(at) & 255
  }
  octets[head] = name.length - head
  return octets
}

/** The form for comparing: only A to Z fold, octets above 127 stay as they are (RFC 4343 §3, J08). */
export function foldCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => letter.toLowerCase())
}

/** The name without its first label; the root for a single label. */
export function parentOf(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 ? '' : name.slice(dot + 1)
}

/** The labels of `name` in front of `apex`; '' at the apex, undefined if it is not below it. */
export function relativeTo(name: string, apex: string): string | undefined {
  if (name === apex) return ''
  return name.endsWith(`.${apex}`) ? name.slice(0, -apex.length - 1) : undefined
}

/** Labels of letters, digits and hyphens, 1 to 63 of them each: what a host may be called (RFC 1123 §2.1, J32). */
export function isHostName(name: string): boolean {
  return (
    name.length < LONGEST_NAME - 1 &&
    name.split('.').every(label => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label))
  )
}
