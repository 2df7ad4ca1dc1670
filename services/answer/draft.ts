/** What the rules look at: as much of an answer as can be read, for whom it is, and what is not known of it. */
import { isLost, readDraft } from '../site/draft.ts'
import type { AnswerTarget } from './dialect.ts'
import type { AnswerTable } from './keys.ts'
import { type AnswerDraft, draftSchema } from './schema.ts'

export type AnswerView = {
  draft: AnswerDraft
  target: AnswerTarget
  /**
   * Whether nothing can be said of that value (`disk-setup.filter`): it has a mistake of its own, it stands in for another
   * one, or this is a layer and another layer may have it.
   */
  isUnknown: (name: string) => boolean
}

type ViewChoices = { standIns?: ReadonlySet<string>; isPart?: boolean; isWellFormed?: boolean }

function isThere(draft: AnswerDraft, name: string): boolean {
  let value: unknown = draft
  for (const key of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false
    value = (value as Record<string, unknown>)[key]
  }
  return value !== undefined
}

/**
 * Keys of `table` with hyphens. `standIns` are the names of values that are not the final ones; `isPart` says that what is
 * missing may stand elsewhere; `isWellFormed`, that the form of all of it was found to be right, so that nothing has to be taken out.
 */
export function viewOf(
  table: AnswerTable,
  target: AnswerTarget,
  { standIns = new Set<string>(), isPart = false, isWellFormed = false }: ViewChoices = {},
): AnswerView {
  const lost = new Set<string>()
  const draft = isWellFormed ? (table as AnswerDraft) : (readDraft(draftSchema, structuredClone(table), lost) ?? {})
  const isUnknown = (name: string): boolean =>
    isLost(lost, name) || standIns.has(name) || (isPart && !isThere(draft, name))
  return { draft, target, isUnknown }
}
