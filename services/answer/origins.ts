/** Which layer gave which key: the layers are merged again, by the same code, with their names in place of their values. */
import { type AnswerTable, type AnswerValue, isTable, pathOf, spellWithHyphens } from './keys.ts'
import type { Layer } from './layer.ts'
import { mergeTables } from './merge.ts'

/** `over` are earlier layers that set the key, too, and did not get their way. */
export type Origin = { layer: string; over: string[] }

/** Every value that is no table, with its dotted path, in the order of the document. */
export function leavesOf(table: AnswerTable, path = ''): [path: string, value: AnswerValue][] {
  return Object.entries(table).flatMap(([key, value]): [string, AnswerValue][] => {
    const inner = pathOf(path, key)
    return isTable(value) ? leavesOf(value, inner) : [[inner, value]]
  })
}

function labelled(table: AnswerTable, label: string): AnswerTable {
  const entries = Object.entries(table).map(([key, value]): [string, AnswerValue] => [
    key,
    isTable(value) ? labelled(value, label) : label,
  ])
  return Object.fromEntries(entries)
}

/** By path, with hyphens; what Rackrise itself adds to an answer is in no layer. */
export function originsOf(layers: readonly Layer[]): Map<string, Origin> {
  const labels = layers.map(({ name, table }) => ({ name, table: labelled(spellWithHyphens(table).table, name) }))
  const merged = labels.map(({ table }) => table).reduce((earlier, later) => mergeTables(earlier, later), {})
  const setting = labels.map(({ name, table }) => ({ name, paths: new Set(leavesOf(table).map(([path]) => path)) }))
  return new Map(
    leavesOf(merged).map(([path, label]) => {
      // Values are labels here.
      const layer = label as string
      const over = setting.filter(({ name, paths }) => name !== layer && paths.has(path)).map(({ name }) => name)
      return [path, { layer, over }]
    }),
  )
}
