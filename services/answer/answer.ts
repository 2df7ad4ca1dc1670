/** The answer of one machine, from what the site, the registry and the request say; what the HTTP route calls. */
import { isProblem } from '../kit/is-problem.ts'
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import { composeLayers } from './compose.ts'
import type { Dialect } from './dialect.ts'
import { type AnswerTable, isTable } from './keys.ts'
import type { Layers } from './layer.ts'
import type { MachineView, SiteView } from './placeholders.ts'
import { hasError } from './problems.ts'
import { renderAnswer, type RenderedAnswer } from './render.ts'
import { selectLayers } from './select.ts'
import { validateAnswer } from './validate.ts'

export type AnswerInput = {
  layers: Layers
  profileAnswers: readonly string[]
  machineAnswers: readonly string[]
  /** The machine's NICs as the registry knows them, not as a request claims them. */
  macs: readonly Mac[]
  machine: MachineView
  site: SiteView
  dialect: Dialect
  /** `pve`, `pbs`, `pmg` or `pdm`. */
  product: string
  webhookUrl?: string | undefined
  /** Present if the profile has a first-boot script. */
  firstBootUrl?: string | undefined
  /** SHA-256 of the certificate that serves both, as hexadecimal digits with or without colons. */
  fingerprint?: string | undefined
  /** For the webhook of installers from 9.2 on. */
  token?: string | undefined
}

export type ComposedAnswer = RenderedAnswer & {
  /** Names of the layers, in the order they were merged. */
  layers: string[]
  /** The installer makes its lease the static address of the installed system. */
  isFromDhcp: boolean
  warnings: Problem[]
}

/** Select, compose, validate, render. Either an answer that the installer accepts, or everything that is wrong. */
export function composeAnswer(input: AnswerInput): ComposedAnswer | Problem[] {
  const { dialect, fingerprint, token } = input
  const selected = selectLayers(input, input.layers)
  if (isProblem(selected)) return [selected]
  const { answer, problems } = composeLayers(selected, {
    machine: input.machine,
    site: input.site,
    installer: dialect.installer,
    webhook: input.webhookUrl === undefined ? undefined : { url: input.webhookUrl, fingerprint, token },
    firstBoot: input.firstBootUrl === undefined ? undefined : { url: input.firstBootUrl, fingerprint },
  })
  const found = [...problems, ...validateAnswer(answer, { installer: dialect.installer, product: input.product })]
  if (hasError(found)) return found
  return {
    ...renderAnswer(answer, dialect),
    layers: selected.map(layer => layer.name),
    isFromDhcp: isFromDhcp(answer),
    warnings: found,
  }
}

/** Installers before 9.2 take a missing source for it. */
function isFromDhcp({ network }: AnswerTable): boolean {
  return isTable(network) && network.source !== 'from-answer'
}
