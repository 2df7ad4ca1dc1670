/** Which layers make the answer of a machine, and in which order. */
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { Layer, Layers } from './layer.ts'
import { answerError } from './problems.ts'

const DEFAULT_LAYER = 'default'

export type LayerChoice = {
  profileAnswers: readonly string[]
  /** Those of the machine, or of the rule that it matched. */
  machineAnswers: readonly string[]
  /** The machine's NICs as the registry knows them; what a machine merely claims must not choose its answer. */
  macs: readonly Mac[]
}

function findNamed(name: string, layers: Layers): Layer | Problem {
  const known = [...layers.byName.keys()].join(', ') || 'none'
  return (
    layers.byName.get(name) ??
    layers.broken.get(name) ??
    answerError('layer-unknown', `there is no answer layer "${name}"`, `layers in the answers folder: ${known}`)
  )
}

function isLayer(found: Layer | Problem): found is Layer {
  return 'table' in found
}

/**
 * The profile's layers, then the machine's or rule's, then `<MAC>.toml`; `default` only where nothing else is named.
 * A layer that is named twice counts where it stands last. A layer that is missing or broken is a problem, never skipped:
 * the machine would be installed without it.
 */
export function selectLayers(choice: LayerChoice, layers: Layers): Layer[] | Problem {
  const named = [...choice.profileAnswers, ...choice.machineAnswers]
  const last = named.filter((name, index) => named.lastIndexOf(name) === index)
  const found = last.map(name => findNamed(name, layers))
  for (const mac of choice.macs) {
    const own = layers.byMac.get(mac) ?? layers.broken.get(mac)
    if (own) found.push(own)
  }
  if (found.length === 0 && (layers.byName.has(DEFAULT_LAYER) || layers.broken.has(DEFAULT_LAYER))) {
    found.push(findNamed(DEFAULT_LAYER, layers))
  }
  const problem = found.find(layer => !isLayer(layer))
  if (problem && !isLayer(problem)) return problem
  if (found.length > 0) return found.filter(isLayer)
  return answerError(
    'no-layers',
    'no answer layer is named for this machine',
    'name some in its profile, or add default.toml to the answers folder',
  )
}
