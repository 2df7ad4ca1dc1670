/** One layer: an answer file, or a part of one, read from TOML text. */
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import { placeProblems, readAnswerText } from './answer-text.ts'
import { type AnswerTable, spellWithHyphens } from './keys.ts'
import { checkLayerKeys } from './validate.ts'

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

/**
 * Reads one layer. A layer that has a syntax mistake or a key in both spellings is no layer; unknown keys are problems
 * too, but leave it usable so that all of them are found at once.
 */
export function readLayer(name: string, file: string, text: string): { layer?: Layer; problems: Problem[] } {
  const { table, index, problems } = readAnswerText(text)
  const spelled = spellWithHyphens(table ?? {})
  const mistakes = [...problems, ...spelled.problems]
  if (!table || mistakes.length > 0) return { problems: placeProblems(mistakes, file, index) }
  return {
    layer: { name, file, table: spelled.table },
    problems: placeProblems(checkLayerKeys(spelled.table), file, index),
  }
}
