/** The TOML text of an answer or a layer as plain data, and where in it each key stands. */
import type { Position } from '../site/locate.ts'
import { find, indexSource, type SourceIndex } from '../site/locate.ts'
import { type Path, printable } from '../site/finding.ts'
import { readToml } from '../site/read-toml.ts'
import { type AnswerTable, type AnswerValue, nameOf } from './keys.ts'
import { type AnswerProblem, answerError, errorAt } from './problems.ts'

/** A problem whose place is known better than by its path. */
export type FoundProblem = AnswerProblem & { at?: Position }

export type AnswerText = {
  form: 'toml' | 'json'
  /** Absent if the syntax is broken in a way that cannot be passed over. Keys as they are written. */
  table?: AnswerTable
  index: SourceIndex
  problems: FoundProblem[]
  /** Names of whole numbers that are written with a fraction, as `12.0`. */
  fractions: ReadonlySet<string>
}

/** The deepest table of an answer has four levels. */
const DEEPEST = 16

type Reading = { problems: FoundProblem[]; fractions: Set<string> }

/** Whole numbers of TOML 1.0; our parser reads longer ones, too. */
const LARGEST = 2n ** 63n - 1n

/** Why a value has no place in an answer. Too deep a table has none in memory. */
function misplaced(value: unknown, path: Path): readonly [what: string, hint: string] | undefined {
  if (value === null) return ['is null', 'leave the key out']
  if (value instanceof Date) return ['is a date', 'put it in quotes']
  if (path.length >= DEEPEST) return ['is nested too deep', 'write it flatter']
  const isLong = typeof value === 'bigint' && (value > LARGEST || value < -LARGEST - 1n)
  return isLong ? ['has more than 64 bits', 'write a smaller number'] : undefined
}

function plainValue(value: unknown, path: Path, reading: Reading): AnswerValue {
  const mistake = misplaced(value, path)
  if (mistake) {
    const [what, hint] = mistake
    reading.problems.push(errorAt(path, 'wrong-type', `${nameOf(path)} ${what}`, hint))
    return ''
  }
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number' && Number.isInteger(value)) reading.fractions.add(nameOf(path))
  if (Array.isArray(value)) return value.map((item, index) => plainValue(item, [...path, index], reading))
  return typeof value === 'object' ? plainTable(value!, path, reading) : (value as string | number | boolean)
}

function plainTable(table: object, path: Path, reading: Reading): AnswerTable {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [key, plainValue(value, [...path, key], reading)]),
  )
}

/** No TOML begins with a brace. */
const isJson = (source: string): boolean => source.trimStart().startsWith('{')

/** As `JSON.parse` gives them to its reviver: the text of a number, too (ECMA-262, JSON.parse source text access). */
function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  const isWhole = typeof value === 'number' && /^-?\d+$/.test(context?.source ?? '')
  return isWhole ? BigInt(context!.source!) : value
}

/** An answer in JSON, as installers from 9.2 on ask for it. Its problems have no place but the file. */
function readJsonText(source: string): AnswerText {
  const index = indexSource('')
  const reading: Reading = { problems: [], fractions: new Set() }
  try {
    const value: unknown = JSON.parse(source, exactly)
    return { form: 'json', table: plainTable(value as object, [], reading), index, ...reading }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const problem = answerError('syntax', `this is no JSON: ${message}`, 'correct it there; an answer is one object')
    return { form: 'json', index, problems: [problem], fractions: new Set() }
  }
}

/** Reads an answer file or a layer. Never throws. */
export function readAnswerText(source: string): AnswerText {
  if (isJson(source)) return readJsonText(source)
  const toml = readToml(source, { integersAsBigInt: true })
  const index = indexSource(toml.source)
  const problems: FoundProblem[] = toml.findings.map(({ code, message, hint, severity, at }) => ({
    code: code === 'duplicate-key' ? 'duplicate-key' : 'syntax',
    message,
    hint,
    severity,
    ...(at ? { at } : {}),
  }))
  const reading: Reading = { problems, fractions: new Set() }
  const table = toml.table && plainTable(toml.table, [], reading)
  return { form: 'toml', ...(table ? { table } : {}), index, ...reading }
}

/** The path with each key spelled as it is in the text, and how many of its parts are there. */
function follow(path: Path, index: SourceIndex): { written: Path; depth: number } {
  let node: SourceIndex['root'] | undefined = index.root
  let depth = 0
  const written = path.map(part => {
    const former = String(part).replaceAll('-', '_')
    const key = typeof part === 'string' && !node?.keys.has(part) && node?.keys.has(former) ? former : part
    node = typeof key === 'string' ? node?.keys.get(key) : node?.items[key]
    if (node) depth += 1
    return key
  })
  return { written, depth }
}

/** How many parts of a path (keys with hyphens) the text has. */
export function depthOf(path: Path, index: SourceIndex): number {
  return follow(path, index).depth
}

/** The problems with line and column, in the order of the file. Paths that are not there stand at the table around them. */
export function placeProblems(problems: readonly FoundProblem[], file: string, index: SourceIndex): AnswerProblem[] {
  const placed = problems.map(({ at, ...problem }) => {
    const position = at ?? find(index, follow(problem.path ?? [], index).written)
    // Keys and placeholders are shown as they are written.
    const [message, hint] = [printable(problem.message), printable(problem.hint)]
    return { ...problem, message, hint, place: { file, ...position } }
  })
  return placed.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
}
