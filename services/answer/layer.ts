/** One layer: an answer file, or a part of one, read from TOML text. */
import { parse, TomlError } from 'smol-toml'
import { isProblem } from '../kit/is-problem.ts'
import type { Mac } from '../kit/mac.ts'
import type { Place, Problem } from '../kit/problem.ts'
import { type AnswerTable, type AnswerValue, spellWithHyphens } from './keys.ts'
import { answerError } from './problems.ts'
import { checkLayerKeys } from './schema.ts'

/** `table` is spelled with hyphens. */
export type Layer = { name: string; file: string; table: AnswerTable }

/** The answers folder, read once. */
export type Layers = {
  /** Layers that profiles, rules and machines name, and `default`. */
  byName: Map<string, Layer>
  /** The last layer of the machine with that NIC. */
  byMac: Map<Mac, Layer>
  /** Layers that are there and cannot be read, by name or MAC: a machine that needs one gets this problem, not less. */
  broken: Map<string, Problem>
  problems: Problem[]
}

/** The deepest table of an answer has four levels. */
const DEEPEST = 16

/** Plain data only: dates have no place in an answer, and too deep a table none in memory. */
function readValue(value: unknown, depth: number): AnswerValue | undefined {
  if (depth > DEEPEST) return undefined
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) {
    const items = value.map(item => readValue(item, depth + 1))
    return items.every(item => item !== undefined) ? items : undefined
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined
  return readTable(value, depth)
}

function readTable(value: object, depth: number): AnswerTable | undefined {
  const entries: [string, AnswerValue][] = []
  for (const [key, member] of Object.entries(value)) {
    const read = readValue(member, depth + 1)
    if (read === undefined) return undefined
    entries.push([key, read])
  }
  return Object.fromEntries(entries)
}

function describeSyntax(error: unknown, file: string): Problem {
  // The first line only: what follows quotes the document, which may hold a password.
  const [line = ''] = error instanceof Error ? error.message.split('\n') : []
  const message = line.replace('Invalid TOML document: ', '') || 'not TOML'
  const place: Place = error instanceof TomlError ? { file, line: error.line, column: error.column } : { file }
  return answerError('layer-syntax', message, 'correct the TOML there', place)
}

/** Parses an answer file or a layer; `file` is for the problem's place. Never throws. */
export function parseAnswerText(text: string, file: string): { table: AnswerTable } | Problem {
  try {
    const document = parse(text, { unsafeKeyBehaviour: 'throw', maxDepth: DEEPEST })
    const table = readTable(document, 0)
    if (table) return { table }
  } catch (error) {
    return describeSyntax(error, file)
  }
  const message = `a date, or tables deeper than ${DEEPEST} levels`
  return answerError('layer-syntax', message, 'an answer has neither; quote dates', { file })
}

/**
 * Reads one layer. A layer that has a syntax mistake or a key in both spellings is no layer; unknown keys are problems
 * too, but leave it usable so that all of them are found at once.
 */
export function readLayer(name: string, file: string, text: string): { layer?: Layer; problems: Problem[] } {
  const parsed = parseAnswerText(text, file)
  if (isProblem(parsed)) return { problems: [parsed] }
  const { table, problems } = spellWithHyphens(parsed.table)
  if (problems.length > 0) return { problems: problems.map(problem => ({ ...problem, place: { file } })) }
  return { layer: { name, file, table }, problems: checkLayerKeys(table, { file }) }
}
