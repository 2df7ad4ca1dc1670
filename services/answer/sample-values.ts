/** Layers are judged with these values in place of their placeholders: of the form that a machine's own values have. */
import { type AnswerTable, type AnswerValue, isTable, nameOf } from './keys.ts'
import { fillPlaceholders, NO_HASH, type MachineView, type SiteView } from './placeholders.ts'
import type { AnswerProblem } from './problems.ts'

const MACHINE: Required<MachineView> = {
  name: 'node1',
  fqdn: 'node1.rack.example.org',
  address: '10.77.0.11',
  mac: 'bc:24:11:ab:12:21',
  serial: '7K2QX93',
  uuid: '4c4c4544-004b-3210-8051-b7c04f583933',
  index: 1,
}
const SITE: SiteView = { name: 'rack', domain: 'rack.example.org', address: '10.77.0.1' }

const PLACEHOLDER = /\{\{[^{}]*\}\}/

export type Filled = {
  table: AnswerTable
  problems: AnswerProblem[]
  /** Names of the values that were filled, and of the arrays around them. */
  names: Set<string>
  /** Names of the values that could not be. */
  unfilled: Set<string>
}

type Path = readonly (string | number)[]

export function hasPlaceholder(value: AnswerValue): boolean {
  if (typeof value === 'string') return PLACEHOLDER.test(value)
  return typeof value === 'object' && Object.values(value).some(hasPlaceholder)
}

/** One value alone in the tables around it, since what a value may become depends on its table. */
function alone(path: Path, value: AnswerValue): AnswerTable {
  const [key = '', ...rest] = path
  return { [key]: rest.length === 0 ? value : alone(rest, value) }
}

function valueIn(table: AnswerTable, path: Path): AnswerValue {
  return path.reduce<AnswerValue>((value, key) => (isTable(value) ? value[key]! : value), table)
}

function fillText(text: string, path: Path, filled: Filled): string {
  if (!PLACEHOLDER.test(text)) return text
  const { table, problems } = fillPlaceholders(alone(path, text), MACHINE, SITE, NO_HASH)
  filled.problems.push(...problems.map(problem => ({ ...problem, path })))
  filled.names.add(nameOf(path))
  if (typeof path.at(-1) === 'number') filled.names.add(nameOf(path.slice(0, -1)))
  const value = valueIn(table, path)
  if (problems.length === 0 && typeof value === 'string') return value
  filled.unfilled.add(nameOf(path))
  return text
}

function fillValue(value: AnswerValue, path: Path, filled: Filled): AnswerValue {
  if (typeof value === 'string') return fillText(value, path, filled)
  if (Array.isArray(value)) return value.map((item, index) => fillValue(item, [...path, index], filled))
  return isTable(value) ? fillTable(value, path, filled) : value
}

function fillTable(table: AnswerTable, path: Path, filled: Filled): AnswerTable {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [key, fillValue(value, [...path, key], filled)]),
  )
}

/** Keys with hyphens. */
export function fillSamples(table: AnswerTable): Filled {
  const filled: Filled = { table, problems: [], names: new Set(), unfilled: new Set() }
  return { ...filled, table: fillTable(table, [], filled) }
}
