/** The answer of one machine, from what the site, the registry and the request say; what the HTTP route calls. */
import { isProblem } from '../kit/is-problem.ts'
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import { composeLayers, mergeLayers } from './compose.ts'
import type { Dialect } from './dialect.ts'
import { type AnswerTable, isTable } from './keys.ts'
import { type Layer, type Layers, placeInLayers } from './layer.ts'
import { isRandomPassword, type MachineView, type SiteView } from './placeholders.ts'
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
  /** What `{{password.random}}` stands for, where the layers ask for it (`asksForPassword`). */
  passwordHash?: string | undefined
}

export type ComposedAnswer = RenderedAnswer & {
  /** Names of the layers, in the order they were merged. */
  layers: string[]
  /** The installer makes its lease the static address of the installed system. */
  isFromDhcp: boolean
  warnings: Problem[]
}

/** An answer as far as it can be made: what `explain` looks at, also where it is not to be sent. */
export type TriedAnswer = {
  /** In the order they were merged. */
  layers: Layer[]
  /** Filled in, spelled with hyphens, with keys that may be newer than the installer. */
  answer: AnswerTable
  problems: Problem[]
}

/** Whether the layers want a random password: then its hash has to be in the input. */
export function asksForPassword(input: AnswerInput): boolean {
  const selected = selectLayers(input, input.layers)
  if (isProblem(selected)) return false
  const { global } = mergeLayers(selected).table
  return isTable(global) && isRandomPassword(global['root-password-hashed'])
}

/** Select, compose, validate; a problem if no layers can be selected. */
export function tryAnswer(input: AnswerInput): TriedAnswer | Problem {
  const { dialect, fingerprint, token } = input
  const layers = selectLayers(input, input.layers)
  if (isProblem(layers)) return layers
  const { answer, problems } = composeLayers(layers, {
    machine: input.machine,
    site: input.site,
    installer: dialect.installer,
    passwordHash: input.passwordHash,
    webhook: input.webhookUrl === undefined ? undefined : { url: input.webhookUrl, fingerprint, token },
    firstBoot: input.firstBootUrl === undefined ? undefined : { url: input.firstBootUrl, fingerprint },
  })
  const found = validateAnswer(answer, { installer: dialect.installer, product: input.product })
  return { layers, answer, problems: placeInLayers([...problems, ...found], layers) }
}

/** The same, rendered. Either an answer that the installer accepts, or everything that is wrong. */
export function composeAnswer(input: AnswerInput): ComposedAnswer | Problem[] {
  const tried = tryAnswer(input)
  if (isProblem(tried)) return [tried]
  const { layers, answer, problems } = tried
  if (hasError(problems)) return problems
  return {
    ...renderAnswer(answer, input.dialect),
    layers: layers.map(layer => layer.name),
    isFromDhcp: isFromDhcp(answer),
    warnings: problems,
  }
}

/** Installers before 9.2 take a missing source for it. */
function isFromDhcp({ network }: AnswerTable): boolean {
  return isTable(network) && network.source !== 'from-answer'
}
