/** The keys of an answer file: how they are spelled, and since which installer they are understood. */
import type { Problem } from '../kit/problem.ts'
import { formatVersion, type InstallerVersion, isAtLeast } from './dialect.ts'
import { answerError, answerWarning } from './problems.ts'

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

/** Keys that an ISO older than this refuses, and with them the whole answer. */
const SINCE: Record<string, InstallerVersion> = {
  'global.root-password-hashed': [8, 3],
  'global.reboot-mode': [8, 4],
  'global.subscription-key': [9, 2],
  'network.interface-name-pinning': [9, 1],
  'disk-setup.btrfs.compress': [8, 3],
  'post-installation-webhook': [8, 3],
  'post-installation-webhook.auth-token': [9, 2],
  'first-boot': [8, 3],
}

export function isTable(value: unknown): value is AnswerTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isFreeTable(path: string): boolean {
  return FREE_TABLES.has(path)
}

export function pathOf(parent: string, key: string): string {
  return parent === '' ? key : `${parent}.${key}`
}

function spellingsOf(path: string): Map<string, string> {
  const keys = Object.hasOwn(SPELLED_BOTH_WAYS, path) ? SPELLED_BOTH_WAYS[path]! : []
  return new Map(keys.map(key => [key.replaceAll('-', '_'), key]))
}

/**
 * The same table with hyphens in every key that has two spellings. A key that stands there in both spellings is a
 * problem, as it is for the installer ("duplicate field"); the first one is kept.
 */
export function spellWithHyphens(table: AnswerTable, path = ''): { table: AnswerTable; problems: Problem[] } {
  const problems: Problem[] = []
  const spellings = spellingsOf(path)
  const entries = new Map<string, AnswerValue>()
  for (const [written, value] of Object.entries(table)) {
    const key = spellings.get(written) ?? written
    if (entries.has(key)) {
      const message = `[${path}] has ${key} in both spellings`
      problems.push(answerError('duplicate-key', message, `keep ${key} and remove ${key.replaceAll('-', '_')}`))
      continue
    }
    const inner = pathOf(path, key)
    if (!isTable(value) || isFreeTable(inner)) entries.set(key, value)
    else {
      const spelled = spellWithHyphens(value, inner)
      problems.push(...spelled.problems)
      entries.set(key, spelled.table)
    }
  }
  return { table: Object.fromEntries(entries), problems }
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
export function warnLeftOut(leftOut: readonly string[], installer: InstallerVersion): Problem[] {
  return leftOut.map(path => {
    const since = formatVersion(SINCE[path] ?? installer)
    const message = `${path} is left out: installer ${formatVersion(installer)} does not know it (since ${since})`
    return answerWarning('newer-key', message, 'use a newer ISO if the machine needs it')
  })
}
