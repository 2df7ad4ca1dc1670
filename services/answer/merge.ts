/** Layers on top of each other: tables key by key, arrays and scalars replaced. */
import { type AnswerTable, type AnswerValue, isTable, pathOf } from './keys.ts'

/** Keys that exclude each other: one in a later layer removes the other of an earlier one. */
const RIVALS: Record<string, string> = {
  'disk-setup.disk-list': 'filter',
  'disk-setup.filter': 'disk-list',
  'global.root-password': 'root-password-hashed',
  'global.root-password-hashed': 'root-password',
}

function mergeValues(earlier: AnswerValue | undefined, later: AnswerValue, path: string): AnswerValue {
  return isTable(earlier) && isTable(later) ? mergeTables(earlier, later, path) : later
}

/** Neither table is changed. Keys with hyphens. */
export function mergeTables(earlier: AnswerTable, later: AnswerTable, path = ''): AnswerTable {
  const entries = new Map(Object.entries(earlier))
  for (const key of Object.keys(later)) entries.delete(RIVALS[pathOf(path, key)] ?? '')
  for (const [key, value] of Object.entries(later))
    entries.set(key, mergeValues(entries.get(key), value, pathOf(path, key)))
  return Object.fromEntries(entries)
}
