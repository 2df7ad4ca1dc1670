/** What the checks of a site file find, before it has a place in the file; and how it becomes a problem that has one. */
import type { Problem } from '../kit/problem.ts'
import { find, type Position, type SourceIndex } from './locate.ts'

/** Keys and array indexes from the top of the file: `['machine', 2, 'mac', 0]`. */
export type Path = readonly (string | number)[]

/** Every kind of problem that a site file can have; the README says what each is about. */
export const SITE_PROBLEM_CODES = [
  'unreadable',
  'too-large',
  'not-utf-8',
  'syntax',
  'newer-version',
  'duplicate-key',
  'unknown-key',
  'wrong-type',
  'missing-key',
  'bad-value',
  'inline-secret',
  'duplicate',
  'overlap',
  'outside',
  'not-leasable',
  'unknown-profile',
  'no-address',
  'owned-option',
  'leaking-argument',
  'file-missing',
  'file-open',
  'doubtful',
] as const
export type SiteProblemCode = (typeof SITE_PROBLEM_CODES)[number]

export type Finding = {
  code: SiteProblemCode
  path: Path
  message: string
  hint: string
  severity: 'error' | 'warning'
  /** Where it is, if that is known better than by its path. */
  at?: Position
  /** The other party, when two places disagree: its line is told. */
  other?: Path
}

export function wrong(code: SiteProblemCode, path: Path, message: string, hint: string): Finding {
  return { code, path, message, hint, severity: 'error' }
}

/** A site with only such findings is served; they are told at `check` and at start. */
export function doubtful(path: Path, message: string, hint: string): Finding {
  return { code: 'doubtful', path, message, hint, severity: 'warning' }
}

const LONGEST_SHOWN = 60
// Control characters, line and paragraph separators and marks that change the writing direction of a terminal.
const UNPRINTABLE = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

/** The text with everything that a terminal would act upon written as an escape. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, mark => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What stands before the `@` of a URL may be a password. */
const USER_PART = /\/\/[^/@\s]*@/g

/** A text as a message may show it: in quotes, bounded, no password of a URL, nothing that a terminal would act upon. */
export function shown(value: string): string {
  const safe = value.replace(USER_PART, '//…@')
  const cut = safe.length > LONGEST_SHOWN ? `${safe.slice(0, LONGEST_SHOWN)}…` : safe
  return printable(JSON.stringify(cut))
}

/** `[dhcp]`, `[[dhcp.subnet]]`, or `the file` for its top. */
export function tableLabel(path: Path): string {
  const keys = path.filter(part => typeof part === 'string').map(part => shown(part).slice(1, -1))
  if (keys.length === 0) return 'the file'
  return typeof path.at(-1) === 'number' ? `[[${keys.join('.')}]]` : `[${keys.join('.')}]`
}

/** `"pools" in [[dhcp.subnet]]`; an element of an array is told by the key of the array. */
export function keyLabel(path: Path): string {
  const last = path.findLastIndex(part => typeof part === 'string')
  if (last < 0) return 'the file'
  return `${shown(String(path[last]))} in ${tableLabel(path.slice(0, last))}`
}

/** The findings as problems in file order; equal ones are told once. */
export function placeFindings(findings: readonly Finding[], file: string, index: SourceIndex): Problem[] {
  const placed = findings.map(finding => ({ finding, at: finding.at ?? find(index, finding.path) }))
  placed.sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
  const problems = new Map<string, Problem>()
  for (const { finding, at } of placed) {
    const { code, hint, severity, other } = finding
    const message = other ? `${finding.message} (line ${find(index, other).line})` : finding.message
    const place = { file, line: at.line, column: at.column }
    problems.set(`${at.line}:${at.column}:${message}`, { code, message, hint, severity, place })
  }
  return [...problems.values()]
}
