/**
 * Everything that the installer would refuse, found before the machine asks: it asks once, and a refused answer leaves
 * it in a shell.
 */
import { checkAccess } from './check-access.ts'
import { checkFirstBoot, checkWebhook } from './check-delivery.ts'
import { checkDisks } from './check-disks.ts'
import { checkGlobal } from './check-global.ts'
import { checkNetwork } from './check-network.ts'
import { checkSizes } from './check-sizes.ts'
import { describeIssues, meantPath, unknownKeys } from './describe-issue.ts'
import type { AnswerTarget } from './dialect.ts'
import { type AnswerView, viewOf } from './draft.ts'
import { type AnswerTable, isTable, leaveOutNewer, nameOf, spellWithHyphens, warnLeftOut } from './keys.ts'
import { type AnswerProblem, answerError } from './problems.ts'
import { answerSchema } from './schema.ts'

/** All rules beyond the form, for as much of the answer as can be read. */
export function checkRules(view: AnswerView): AnswerProblem[] {
  return [
    ...checkGlobal(view),
    ...checkAccess(view),
    ...checkNetwork(view),
    ...checkDisks(view),
    ...checkSizes(view),
    ...checkWebhook(view),
    ...checkFirstBoot(view),
  ]
}

/** Problems of form: keys, types, choices. Keys of `table` with hyphens. */
export function checkForm(table: AnswerTable): AnswerProblem[] {
  return describeIssues(answerSchema.safeParse(table).error?.issues ?? [], table)
}

/** What can be said of a layer without knowing for whom it is: keys that no answer has. Keys with hyphens. */
export function checkLayerKeys(table: AnswerTable): AnswerProblem[] {
  return (answerSchema.safeParse(table).error?.issues ?? []).flatMap(unknownKeys)
}

/** Names of keys that are not there because they are misspelt: no rule shall miss them as well. */
export function misspelt(problems: readonly AnswerProblem[]): Set<string> {
  const meant = problems.map(({ code, path }) => (code === 'unknown-key' && path ? meantPath(path) : undefined))
  return new Set(meant.flatMap(path => (path ? [nameOf(path)] : [])))
}

/**
 * All problems of a whole answer (parsed TOML or JSON, either spelling) that is rendered for that installer. Errors would
 * stop the installation; warnings are accepted by the installer but hardly meant. Keys newer than the installer are left
 * out with a warning, and the rest is judged without them. An empty list means that the answer is fine.
 */
export function validateAnswer(answer: unknown, target: AnswerTarget): AnswerProblem[] {
  if (!isTable(answer)) return [answerError('wrong-type', 'the answer is not a table', 'start with a [global] section')]
  const spelled = spellWithHyphens(answer)
  const form = [...spelled.problems, ...checkForm(spelled.table)]
  const kept = leaveOutNewer(spelled.table, target.installer)
  const rules = checkRules(viewOf(kept.table, target, { standIns: misspelt(form), isWellFormed: form.length === 0 }))
  return [...warnLeftOut(kept.leftOut, target.installer), ...form, ...rules]
}
