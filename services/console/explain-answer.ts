/** Which answer it would get, and which layer gave which key: the second half of an explanation, by the functions that make the answer. */
import { type AnswerInput, asksForPassword, tryAnswer } from '../answer/answer.ts'
import { formatVersion } from '../answer/dialect.ts'
import { type AnswerTable, isTable } from '../answer/keys.ts'
import type { Layer } from '../answer/layer.ts'
import { maskAnswer } from '../answer/mask.ts'
import { leavesOf, originsOf } from '../answer/origins.ts'
import { NO_HASH } from '../answer/placeholders.ts'
import { renderAnswer } from '../answer/render.ts'
import { isProblem } from '../kit/is-problem.ts'
import { parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { Listing } from '../machine/listing.ts'
import type { Profile } from '../site/types.ts'
import type { ExplainedAnswer, ExplainedKey, ExplainedLayer } from './schema/explanation.ts'

const RANDOM = '{{password.random}}'

/** A layer that is named twice counts where it stands last, which is how `selectLayers` has it. */
function whyLayer({ name, file }: Layer, listing: Listing, profile: Profile): ExplainedLayer {
  const why = (): string => {
    if (parseMac(name)) return 'named by one of its MACs'
    if (listing.answers.includes(name)) return listing.rule === undefined ? 'its entry' : `rule ${listing.rule + 1}`
    return profile.answers.includes(name) ? `profile ${profile.name}` : 'nothing else is named'
  }
  return { name, file, why: why() }
}

/** A random password has no hash before somebody asks, and who looks must not make one. */
function withoutNoHash(answer: AnswerTable): AnswerTable {
  const { global } = answer
  if (!isTable(global) || global['root-password-hashed'] !== NO_HASH) return answer
  return { ...answer, global: { ...global, 'root-password-hashed': RANDOM } }
}

function explainKeys(answer: AnswerTable, layers: readonly Layer[]): ExplainedKey[] {
  const origins = originsOf(layers)
  return leavesOf(maskAnswer(answer)).map(([path, value]) => {
    const { layer = 'rackrise', over = [] } = origins.get(path) ?? {}
    return { path, value: JSON.stringify(value), from: layer, over }
  })
}

/** @param hash the hash of a random password that was made already; only for an answer that is revealed */
export function explainAnswer(
  input: AnswerInput,
  about: { listing: Listing; profile: Profile; release: string; reveal: boolean; hash?: string | undefined },
): { answer?: ExplainedAnswer; composed?: AnswerTable; problems: Problem[] } {
  const { listing, profile, release, reveal, hash } = about
  const passwordHash = asksForPassword(input) ? (hash ?? NO_HASH) : undefined
  const tried = tryAnswer({ ...input, passwordHash })
  if (isProblem(tried)) return { problems: [tried] }
  const shown = withoutNoHash(tried.answer)
  const { dialect, product } = input
  const { toml, leftOut } = renderAnswer(reveal ? shown : maskAnswer(shown), dialect)
  return {
    answer: {
      product,
      release,
      installer: formatVersion(dialect.installer),
      layers: tried.layers.map(layer => whyLayer(layer, listing, profile)),
      keys: explainKeys(shown, tried.layers),
      leftOut,
      toml,
    },
    composed: tried.answer,
    problems: tried.problems,
  }
}
