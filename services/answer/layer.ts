/** One layer: an answer file, or a part of one, read from TOML text. */
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { SourceIndex } from '../site/locate.ts'
import { depthOf, placeProblems, readAnswerText } from './answer-text.ts'
import { type AnswerTable, spellWithHyphens } from './keys.ts'
import type { AnswerProblem } from './problems.ts'
import { checkLayerKeys } from './validate.ts'

/** `table` is spelled with hyphens; `index` says where in the file its keys stand. */
export type Layer = { name: string; file: string; table: AnswerTable; index?: SourceIndex }

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
    layer: { name, file, table: spelled.table, index },
    problems: placeProblems(checkLayerKeys(spelled.table), file, index),
  }
}

/**
 * Problems of a composed answer at the layer that set their keys; of what is missing, at the last layer that has the table
 * around it. What no layer has anything of stays without a place.
 */
export function placeInLayers(problems: readonly AnswerProblem[], layers: readonly Layer[]): AnswerProblem[] {
  return problems.flatMap(problem => {
    const { path = [], place } = problem
    const depths = layers.map(({ index }) => (index ? depthOf(path, index) : 0))
    const deepest = Math.max(0, ...depths)
    const layer = deepest === 0 || place ? undefined : layers[depths.lastIndexOf(deepest)]
    return layer?.index ? placeProblems([problem], layer.file, layer.index) : [problem]
  })
}
