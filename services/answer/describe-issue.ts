/** What the schema refuses, in the words of a person who writes the file. No message repeats a value that may be a secret. */
import type { z } from 'zod'
import { type Path, shown } from '../site/finding.ts'
import { suggest } from '../site/suggest.ts'
import { type AnswerTable, isTable, nameOf, tableNameOf } from './keys.ts'
import { suggestKeyboard } from './locale.ts'
import { type AnswerProblem, errorAt } from './problems.ts'
import { keysOf, tablePaths } from './schema.ts'

type Issue = z.core.$ZodIssue

/** Keys of installers before the first ISO that knows automated installation, and where their values went. */
const FORMER: Record<string, string> = {
  'global.password': 'it was renamed to root-password in 8.2.2',
  system: 'its keys moved to [global] in 8.2.2',
}

/** The path of the key that an unknown one was probably meant to be. */
export function meantPath(unknown: Path): Path | undefined {
  const meant = suggest(String(unknown.at(-1)), keysOf(unknown.slice(0, -1)))
  return meant === undefined ? undefined : [...unknown.slice(0, -1), meant]
}

function unknownHint(path: Path): string {
  const former = FORMER[nameOf(path)]
  if (former !== undefined) return former
  const meant = meantPath(path)
  if (meant) return `did you mean ${shown(String(meant.at(-1)))}?`
  const key = String(path.at(-1))
  const elsewhere = tablePaths().filter(table => keysOf(table).includes(key.replaceAll('_', '-')))
  if (elsewhere.length > 0) return `it belongs in ${elsewhere.map(tableNameOf).join(' or ')}`
  const known = keysOf(path.slice(0, -1))
  return known.length > 0 ? `known here: ${known.join(', ')}` : 'remove it'
}

export function unknownKeys(issue: Issue): AnswerProblem[] {
  if (issue.code !== 'unrecognized_keys') return []
  const table = pathOfIssue(issue)
  return issue.keys.map(key => {
    const path = [...table, key]
    return errorAt(path, 'unknown-key', `${tableNameOf(table)} has an unknown key ${shown(key)}`, unknownHint(path))
  })
}

function pathOfIssue(issue: Issue): Path {
  return issue.path.filter(part => typeof part !== 'symbol')
}

function valueAt(answer: unknown, path: Path): unknown {
  let value: unknown = answer
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Date) return 'a date'
  if (isTable(value)) return 'a table'
  if (typeof value === 'number' && !Number.isFinite(value)) return 'an endless one'
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number with a fraction'
  return typeof value === 'boolean' ? String(value) : `a ${typeof value}`
}

const EXPECTED: Record<string, readonly [what: string, hint: string]> = {
  string: ['a string', 'write it in quotes'],
  int: ['a whole number', 'leave the fraction out'],
  number: ['a number', 'write it without quotes'],
  boolean: ['true or false', 'write it without quotes'],
  array: ['an array', 'write it in square brackets, as ["..."]'],
  object: ['a table', 'write it as a section of its own'],
  record: ['a table', 'write it as { NAME = "pattern" }'],
}

function wrongType(path: Path, expected: string, value: unknown): AnswerProblem {
  const [what, hint] = EXPECTED[expected] ?? [expected, 'write what is expected there']
  const isEndless = typeof value === 'number' && !Number.isFinite(value)
  const message = `${nameOf(path)} must be ${what}, not ${kindOf(value)}`
  return errorAt(path, 'wrong-type', message, isEndless ? 'write it in digits' : hint)
}

const KEYBOARD = 'global.keyboard'

function wrongChoice(path: Path, choices: readonly string[], value: unknown): AnswerProblem {
  const name = nameOf(path)
  if (typeof value !== 'string') return wrongType(path, 'string', value)
  const isLayout = name === KEYBOARD
  const meant = isLayout ? suggestKeyboard(value) : suggest(value, choices)
  // Levels are listed once: the other case is for those who write it so.
  const listed = choices.filter(choice => choice === choice.toLowerCase())
  const hint = meant === undefined ? `write one of ${listed.map(shown).join(', ')}` : `did you mean ${shown(meant)}?`
  const what = isLayout ? 'is not a keyboard layout of the installer' : 'is not a choice'
  return errorAt(path, 'wrong-value', `${name}: ${shown(value)} ${what}`, hint)
}

const ADD: Record<string, string> = {
  global: 'add the section [global] with keyboard, country, timezone, fqdn, mailto and a password',
  network: 'add [network] with source = "from-dhcp" or "from-answer"',
  'disk-setup': 'add [disk-setup] with filesystem and disk-list or filter',
  'global.country': 'add it, as country = "at"',
  'global.fqdn': 'add it, as fqdn = "node1.example.org"',
  'global.keyboard': 'add it, as keyboard = "en-us"',
  'global.mailto': 'add it, as mailto = "ops@example.org"',
  'global.timezone': 'add it, as timezone = "Europe/Vienna" or "UTC"',
  'disk-setup.filesystem': 'add it: "ext4", "xfs", "zfs" or "btrfs"',
  'first-boot.source': 'add it: "from-url" or "from-iso"',
  'post-installation-webhook.url': 'add it: where the report is sent',
  'network.interface-name-pinning.enabled': 'add it: true or false',
}

function describeIssue(issue: Issue, answer: AnswerTable): AnswerProblem[] {
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue)
  const path = pathOfIssue(issue)
  const name = nameOf(path)
  const value = valueAt(answer, path)
  if (value === undefined) return [errorAt(path, 'missing-key', `${name} is missing`, ADD[name] ?? 'add it')]
  if (name === 'global.fqdn') {
    const hint = 'write a full name such as "node1.example.org", or { source = "from-dhcp" }'
    return [errorAt(path, 'wrong-type', 'global.fqdn is neither a name nor the form from DHCP', hint)]
  }
  switch (issue.code) {
    case 'invalid_type':
      return [wrongType(path, issue.expected, value)]
    case 'invalid_value':
      return [wrongChoice(path, issue.values.map(String), value)]
    case 'too_small':
      return [errorAt(path, 'wrong-value', `${name} is negative`, `write ${issue.minimum} or more`)]
    default:
      return [errorAt(path, 'wrong-value', `${name}: ${issue.message}`, 'write what is expected there')]
  }
}

/** All that the schema refuses; a key that is misspelt is not missing as well. Keys of `answer` with hyphens. */
export function describeIssues(issues: readonly Issue[], answer: AnswerTable): AnswerProblem[] {
  const problems = issues.flatMap(issue => describeIssue(issue, answer))
  const meant = new Set(
    problems
      .flatMap(({ code, path = [] }) => (code === 'unknown-key' ? [meantPath(path)] : []))
      .map(path => path?.join('.')),
  )
  return problems.filter(({ code, path }) => code !== 'missing-key' || !meant.has(path?.join('.')))
}
