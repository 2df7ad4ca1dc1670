/** The keys of an answer file: how they are spelled, and since which installer they are understood. */
import type { Path } from '../site/finding.ts'
import { formatVersion, type InstallerVersion, isAtLeast } from './dialect.ts'
import { type AnswerProblem, errorAt, warningAt } from './problems.ts'

/** An answer, a layer or a part of one, as plain data. Keys are spelled with hyphens inside this room. */
export type AnswerValue = string | number | boolean | AnswerValue[] | AnswerTable
export type AnswerTable = { [key: string]: AnswerValue }

/** Keys that were written with underscores only until 8.4.0; section names and `interface-name-pinning` never were. */
const SPELLED_BOTH_WAYS: Record<string, readonly string[]> = {
  global: [
    'root-password',
    'root-password-hashed',
    'reboot-on-error',
    'reboot-mode',
    'root-ssh-keys',
    'subscription-key',
  ],
  'disk-setup': ['disk-list', 'filter-match'],
  'disk-setup.zfs': ['arc-max'],
  'post-installation-webhook': ['cert-fingerprint', 'auth-token'],
  'first-boot': ['cert-fingerprint'],
}

/** Tables whose keys are the operator's own: udev properties and MACs. */
const FREE_TABLES = new Set(['network.filter', 'disk-setup.filter', 'network.interface-name-pinning.mapping'])

/** Keys that an installer older than this refuses, and with them the whole answer. */
const SINCE: Record<string, InstallerVersion> = {
  'global.root-password-hashed': [8, 2, 7],
  'global.reboot-mode': [8, 4, 3],
  'global.subscription-key': [9, 2],
  'network.interface-name-pinning': [9, 1],
  'disk-setup.btrfs.compress': [8, 2, 7],
  'post-installation-webhook': [8, 2, 7],
  'post-installation-webhook.auth-token': [9, 2],
  'first-boot': [8, 3],
}

/** An installer that is at least this knows every key. */
const LAST_SINCE = Object.values(SINCE).reduce((newest, since) => (isAtLeast(newest, since) ? newest : since))

/** Multi-word keys may be written with hyphens since this installer; the next to refuse underscores may be 10. */
export const HYPHENS_SINCE: InstallerVersion = [8, 4]

/** The installer from which on that key is known, by its own or as a part of its table; undefined if every one knows it. */
export function sinceOf(path: string): InstallerVersion | undefined {
  const [above, below] = [path.slice(0, Math.max(path.lastIndexOf('.'), 0)), SINCE[path]]
  const inherited = above === '' ? undefined : sinceOf(above)
  return below && inherited ? (isAtLeast(below, inherited) ? below : inherited) : (below ?? inherited)
}

/** Whether installers before 8.4 know that key with underscores only. */
export function isSpelledBothWays(path: string): boolean {
  const cut = path.lastIndexOf('.')
  return spellingsOf(path.slice(0, Math.max(cut, 0))).has(path.slice(cut + 1).replaceAll('-', '_'))
}

export function isTable(value: unknown): value is AnswerTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isFreeTable(path: string): boolean {
  return FREE_TABLES.has(path)
}

export function pathOf(parent: string, key: string): string {
  return parent === '' ? key : `${parent}.${key}`
}

/** `disk-setup.zfs.raid`; elements of arrays by their number from 0. */
export function nameOf(path: Path): string {
  return path.join('.')
}

/** The path of a name; a key with dots in it, as filters may have, is found up to its table. */
export function pathNamed(name: string): Path {
  return name.split('.').map(part => (/^\d+$/.test(part) ? Number(part) : part))
}

/** `[disk-setup.zfs]`, or `the answer` for its top. */
export function tableNameOf(path: Path): string {
  return path.length === 0 ? 'the answer' : `[${nameOf(path)}]`
}

const NO_SPELLINGS: ReadonlyMap<string, string> = new Map()
const SPELLINGS = new Map(
  Object.entries(SPELLED_BOTH_WAYS).map(([path, keys]) => [
    path,
    new Map(keys.map(key => [key.replaceAll('-', '_'), key])),
  ]),
)

/** The keys of that table which have two spellings: hyphens by underscores. */
function spellingsOf(path: string): ReadonlyMap<string, string> {
  return SPELLINGS.get(path) ?? NO_SPELLINGS
}

export type Spelled = {
  /** Keys with hyphens. */
  table: AnswerTable
  problems: AnswerProblem[]
  /** Every key that has two spellings and stands there, with the one it has. */
  written: { path: Path; spelling: 'hyphens' | 'underscores' }[]
}

/**
 * The same table with hyphens in every key that has two spellings. A key that stands there in both spellings is a
 * problem, as it is for the installer ("duplicate field"); the first one is kept.
 */
export function spellWithHyphens(table: AnswerTable, path: readonly string[] = []): Spelled {
  const [problems, written]: [AnswerProblem[], Spelled['written']] = [[], []]
  const name = nameOf(path)
  const spellings = spellingsOf(name)
  const doubles = new Set(spellings.values())
  const entries = new Map<string, AnswerValue>()
  for (const [spelled, value] of Object.entries(table)) {
    const key = spellings.get(spelled) ?? spelled
    const inner = [...path, key]
    if (entries.has(key)) {
      const message = `${tableNameOf(path)} has ${key} in both spellings`
      problems.push(errorAt(inner, 'duplicate-key', message, `keep ${key} and remove ${key.replaceAll('-', '_')}`))
      continue
    }
    if (doubles.has(key)) written.push({ path: inner, spelling: spelled === key ? 'hyphens' : 'underscores' })
    if (!isTable(value) || isFreeTable(nameOf(inner))) entries.set(key, value)
    else {
      const below = spellWithHyphens(value, inner)
      problems.push(...below.problems)
      written.push(...below.written)
      entries.set(key, below.table)
    }
  }
  return { table: Object.fromEntries(entries), problems, written }
}

/** The same table with underscores where an installer before 8.4.0 knows nothing else. */
export function spellWithUnderscores(table: AnswerTable, path = ''): AnswerTable {
  const spelledBothWays = new Set(spellingsOf(path).values())
  const entries = Object.entries(table).map(([key, value]): [string, AnswerValue] => {
    const inner = pathOf(path, key)
    const spelled = spelledBothWays.has(key) ? key.replaceAll('-', '_') : key
    return [spelled, isTable(value) && !isFreeTable(inner) ? spellWithUnderscores(value, inner) : value]
  })
  return Object.fromEntries(entries)
}

/** The answer without what is newer than the installer, and the paths of what was left out, in order. */
export function leaveOutNewer(
  table: AnswerTable,
  installer: InstallerVersion,
  path = '',
): { table: AnswerTable; leftOut: string[] } {
  if (isAtLeast(installer, LAST_SINCE)) return { table, leftOut: [] }
  const leftOut: string[] = []
  const entries: [string, AnswerValue][] = []
  for (const [key, value] of Object.entries(table)) {
    const inner = pathOf(path, key)
    if (Object.hasOwn(SINCE, inner) && !isAtLeast(installer, SINCE[inner]!)) leftOut.push(inner)
    else if (!isTable(value) || isFreeTable(inner)) entries.push([key, value])
    else {
      const kept = leaveOutNewer(value, installer, inner)
      leftOut.push(...kept.leftOut)
      entries.push([key, kept.table])
    }
  }
  return { table: Object.fromEntries(entries), leftOut }
}

/** One warning for each key that was left out. */
export function warnLeftOut(leftOut: readonly string[], installer: InstallerVersion): AnswerProblem[] {
  return leftOut.map(name => {
    const since = formatVersion(SINCE[name] ?? installer)
    const message = `${name} is left out: installer ${formatVersion(installer)} does not know it (since ${since})`
    return warningAt(name.split('.'), 'newer-key', message, 'use a newer ISO if the machine needs it')
  })
}

/** One error for each key that would be left out: a file that goes to the installer as it is must do without them. */
export function refuseNewer(leftOut: readonly string[], installer: InstallerVersion): AnswerProblem[] {
  return leftOut.map(name => {
    const since = formatVersion(SINCE[name] ?? installer)
    const message = `${name} is refused by installer ${formatVersion(installer)}, which does not know it (since ${since})`
    return errorAt(
      name.split('.'),
      'newer-key',
      message,
      'remove it, or use a newer ISO; of a layer it would be left out',
    )
  })
}
