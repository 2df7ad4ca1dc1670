/** What zod refuses, in the words of a person who edits the file: what, where, what to do. */
import type { z } from 'zod'
import { keyLabel, shown, tableLabel, wrong, type Finding, type Path } from './finding.ts'
import { suggest } from './suggest.ts'

type Issue = z.core.$ZodIssue

/** What has to be known of a kind of file to say what its author meant. */
export type Vocabulary = {
  /** The keys that the table at that path may have; none if there is no such table. */
  keysOf: (table: Path) => string[]
  /** Tables that have a key of that name, for a key that stands under the wrong header. */
  tablesWith: (key: string) => Path[]
  /** What is to be done about a secret that is written into that table. */
  secretHint: (table: Path) => string
  /** How somebody would write a key that a table cannot do without. */
  examples: Readonly<Record<string, string>>
}

/** Keys that somebody who would write a secret into the file is likely to use. */
const SECRET_KEY = /^(.*[-_])?(secret|password|passwd|token)$/i

/** All that zod refuses about `raw`, which is what the file said: only it can tell a missing key from a wrong one. */
export function explainIssues(issues: readonly Issue[], raw: unknown, words: Vocabulary): Finding[] {
  const findings = issues.flatMap(issue => explainIssue(issue, raw, words))
  // A key that is misspelt is not missing as well.
  const meant = new Set(findings.flatMap(({ code, path }) => (code === 'unknown-key' ? meantPaths(path, words) : [])))
  return findings.filter(({ code, path }) => code !== 'missing-key' || !prefixesOf(path).some(one => meant.has(one)))
}

function meantPaths(unknown: Path, { keysOf }: Vocabulary): string[] {
  const table = unknown.slice(0, -1)
  const meant = suggest(String(unknown.at(-1)), keysOf(table))
  return meant === undefined ? [] : [[...table, meant].join('.')]
}

function prefixesOf(path: Path): string[] {
  return path.map((_, at) => path.slice(0, at + 1).join('.'))
}

function explainIssue(issue: Issue, raw: unknown, words: Vocabulary): Finding[] {
  const path = issue.path.filter(part => typeof part !== 'symbol')
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map(key => unknownKey([...path, key], valueAt(raw, [...path, key]), words))
    case 'invalid_type':
      return [isAbsent(raw, path) ? missingKey(path, words) : wrongType(path, issue.expected, raw)]
    case 'invalid_value':
      return [isAbsent(raw, path) ? missingKey(path, words) : wrongWord(path, issue.values.map(String), raw)]
    case 'invalid_union':
      return [isAbsent(raw, path) ? missingKey(path, words) : wrongType(path, 'union', raw)]
    case 'too_small':
    case 'too_big':
      return [outOfBounds(path, issue)]
    case 'custom':
      return [wrong('bad-value', path, `${keyLabel(path)}: ${issue.message}`, hintOf(issue.params))]
    default:
      return [wrong('bad-value', path, `${keyLabel(path)}: ${issue.message}`, 'write another value')]
  }
}

function unknownKey(path: Path, value: unknown, words: Vocabulary): Finding {
  const table = path.slice(0, -1)
  const key = String(path.at(-1))
  if (SECRET_KEY.test(key)) {
    const message = `${shown(key)} in ${tableLabel(table)}: secrets are never written into this file`
    return wrong('inline-secret', path, message, words.secretHint(table))
  }
  const isList = Array.isArray(value) && value.some(isTable)
  const what =
    isTable(value) || isList
      ? `table ${tableLabel(isList ? [...path, 0] : path)}`
      : `key ${shown(key)} in ${tableLabel(table)}`
  return wrong('unknown-key', path, `unknown ${what}`, unknownHint(table, key, words))
}

function unknownHint(table: Path, key: string, { keysOf, tablesWith }: Vocabulary): string {
  const known = keysOf(table)
  const meant = suggest(key, known)
  if (meant) return `did you mean ${shown(meant)}?`
  const elsewhere = tablesWith(key).map(tableLabel)
  if (elsewhere.length > 0) return `it belongs in ${elsewhere.join(' or ')}`
  return known.length > 0 ? `known keys are ${known.join(', ')}` : 'remove it'
}

function missingKey(path: Path, { examples }: Vocabulary): Finding {
  const example = examples[String(path.at(-1))]
  return wrong('missing-key', path, `${keyLabel(path)} is missing`, example ? `add it, as ${example}` : 'add it')
}

const EXPECTED: Record<string, string> = {
  string: 'a string',
  int: 'a whole number',
  number: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'a table',
  record: 'a table',
  date: 'a date',
  union: 'a string, a number, true, false or an array',
}
const EXPECTED_HINTS: Record<string, string> = {
  string: 'write it in quotes',
  int: 'leave the fraction out',
  number: 'write it without quotes',
  boolean: 'write true or false without quotes',
  array: 'write it in square brackets',
  object: 'write it as a table of its own',
  record: 'write it as { key = "value" }',
  date: 'write it without quotes, as 2027-01-31',
  union: 'write what "type" asks for',
}

function wrongType(path: Path, expected: string, raw: unknown): Finding {
  const value = valueAt(raw, path)
  const message = `${keyLabel(path)} must be ${EXPECTED[expected] ?? expected}, not ${kindOf(value)}`
  return wrong('wrong-type', path, message, wrongTypeHint(path, expected, value))
}

function wrongTypeHint(path: Path, expected: string, value: unknown): string {
  // `when = { dmi.system.name = … }` makes nested tables: TOML needs the quotes.
  if (path.includes('when') && isTable(value)) return 'put the whole dotted name in quotes, as "dmi.system.name"'
  if (expected === 'array' && isTable(value)) return `begin it with ${tableLabel([...path, 0])}`
  return EXPECTED_HINTS[expected] ?? 'write another value'
}

function wrongWord(path: Path, values: string[], raw: unknown): Finding {
  const value = valueAt(raw, path)
  const written = typeof value === 'string' ? shown(value) : kindOf(value)
  const meant = typeof value === 'string' ? suggest(value, values) : undefined
  const hint = meant ? `did you mean ${shown(meant)}?` : `write one of ${values.map(shown).join(', ')}`
  return wrong('bad-value', path, `${keyLabel(path)}: ${written} is not a choice`, hint)
}

function outOfBounds(path: Path, issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): Finding {
  const isSmall = issue.code === 'too_small'
  const bound = isSmall ? `at least ${issue.minimum}` : `at most ${issue.maximum}`
  if (issue.origin !== 'array') {
    return wrong('bad-value', path, `${keyLabel(path)} is too ${isSmall ? 'small' : 'big'}`, `write ${bound}`)
  }
  return wrong('bad-value', path, `${keyLabel(path)} has too ${isSmall ? 'few' : 'many'} entries`, `write ${bound}`)
}

function hintOf(params: Record<string, unknown> | undefined): string {
  const hint = params?.['hint']
  return typeof hint === 'string' ? hint : 'write another value'
}

/** Tables come from smol-toml without a prototype; dates are objects too, but no tables. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw
  for (const part of path) {
    if (Array.isArray(value) && typeof part === 'number') value = value[part]
    else if (isTable(value) && typeof part === 'string' && Object.hasOwn(value, part)) value = value[part]
    else return undefined
  }
  return value
}

function isAbsent(raw: unknown, path: Path): boolean {
  return valueAt(raw, path) === undefined
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Date) return 'a date'
  if (isTable(value)) return 'a table'
  if (typeof value === 'number' && !Number.isInteger(value)) return 'a fraction'
  return typeof value === 'boolean' ? `${value}` : `a ${typeof value}`
}
