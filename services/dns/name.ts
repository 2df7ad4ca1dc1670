/**
 * Domain names as opaque labels (RFC 2181 §11). Inside the room a name is text with one character per octet and dots
 * between labels; a dot that stands inside a label is written U+012E, so it can never be taken for a border (J07).
 * U+012E is chosen because its low octet is a dot: the codec keeps the low eight bits, so such a label leaves as it came.
 */

const DOT_INSIDE_LABEL = '\u012e'
const LONGEST_LABEL = 63
const LONGEST_NAME = 255
const POINTER = 0xc0

/** `next` is the offset behind the name where it was read, also if it ended in a pointer. */
export type WalkedName = { name: string; next: number; compressed: boolean }

/**
 * Reads a name at `offset`; undefined for whatever RFC 1035 §2.3.4 and §4.1.4 do not allow.
 * Pointers must go backwards, each before the one that was followed, so a walk always ends (J06).
 */
export function walkName(message: Uint8Array, offset: number): WalkedName | undefined {
  const labels: string[] = []
  let length = 1
  let position = offset
  let before = offset
  let next: number | undefined
  for (;;) {
    const head = message[position]
    if (head === undefined) return undefined
    if ((head & POINTER) === POINTER) {
      const low = message[position + 1]
      if (low === undefined) return undefined
      next ??= position + 2
      position = ((head & 0x3f) << 8) | low
      if (position >= before) return undefined
      before = position
    } else if (head === 0) {
      return { name: labels.join('.'), next: next ?? position + 1, compressed: next !== undefined }
    } else {
      length += head + 1
      if (head > LONGEST_LABEL || length > LONGEST_NAME || position + head >= message.length) return undefined
      labels.push(labelText(message.subarray(position + 1, position + 1 + head)))
      position += head + 1
    }
  }
}

function labelText(octets: Uint8Array): string {
  return Array.from(octets, octet => (octet === 0x2e ? DOT_INSIDE_LABEL : String.fromCharCode(octet))).join('')
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

/** Letters, digits, hyphens, 1 to 63 of them: what may become a host name (RFC 1123 §2.1, J32). */
export function isHostLabel(label: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)
}
