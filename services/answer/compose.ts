/** One answer out of layers: merge, fill in placeholders, add what the appliance owns. An object all the way, never text. */
import { type InstallerVersion, isAtLeast } from './dialect.ts'
import { type AnswerTable, isTable, spellWithHyphens } from './keys.ts'
import type { Layer } from './layer.ts'
import { mergeTables } from './merge.ts'
import { fillPlaceholders, type MachineView, type SiteView } from './placeholders.ts'
import { type AnswerProblem, warningAt } from './problems.ts'

/** Something of ours that the machine calls: where it is, and the certificate that serves it. */
export type OwnUrl = { url: string; fingerprint?: string | undefined }

export type ComposeContext = {
  machine: MachineView
  site: SiteView
  installer: InstallerVersion
  /** Of the random password, where the layers ask for one. */
  passwordHash?: string | undefined
  webhook?: (OwnUrl & { token?: string | undefined }) | undefined
  firstBoot?: OwnUrl | undefined
}

const NO_TABLE: AnswerTable = {}

function sectionOf(answer: AnswerTable, name: string): AnswerTable {
  const section = answer[name]
  return isTable(section) ? section : NO_TABLE
}

function pinOf(own: OwnUrl): AnswerTable {
  return own.fingerprint === undefined ? {} : { 'cert-fingerprint': own.fingerprint }
}

function addName(answer: AnswerTable, { machine }: ComposeContext): AnswerTable {
  const { global } = answer
  if (machine.fqdn === undefined || (global !== undefined && !isTable(global)) || global?.fqdn !== undefined)
    return answer
  return { ...answer, global: { ...global, fqdn: machine.fqdn } }
}

function addWebhook(answer: AnswerTable, context: ComposeContext, problems: AnswerProblem[]): AnswerTable {
  const own = context.webhook
  const section = sectionOf(answer, 'post-installation-webhook')
  if (!own) return answer
  if (section.url !== undefined) {
    const hint = 'remove the webhook from the layers and name it in the site: Rackrise reports there'
    const message = 'the layers send the report elsewhere, so the end of the installation can only be inferred'
    problems.push(warningAt(['post-installation-webhook', 'url'], 'webhook-elsewhere', message, hint))
    return answer
  }
  // Installers before 9.2 refuse an answer with a token; the secret in the URL serves them.
  const token: AnswerTable =
    own.token !== undefined && isAtLeast(context.installer, [9, 2]) ? { 'auth-token': own.token } : {}
  return { ...answer, 'post-installation-webhook': { url: own.url, ...pinOf(own), ...token } }
}

function addFirstBoot(answer: AnswerTable, context: ComposeContext, problems: AnswerProblem[]): AnswerTable {
  const own = context.firstBoot
  const section = sectionOf(answer, 'first-boot')
  if (!own) return answer
  if (section.source !== undefined) {
    const hint = 'remove source and url from the layers; ordering may stay there'
    const message = 'the layers name a first-boot script of their own, so the profile’s is not used'
    problems.push(warningAt(['first-boot', 'source'], 'first-boot-elsewhere', message, hint))
    return answer
  }
  return { ...answer, 'first-boot': { ...section, source: 'from-url', url: own.url, ...pinOf(own) } }
}

type Merged = { table: AnswerTable; problems: AnswerProblem[] }

/** What a layer came to on top of those before it, the last time it stood last: a rack asks for the same again and again. Layers never change. */
const MERGED = new WeakMap<Layer, { layers: readonly Layer[]; merged: Merged }>()

/** The layers on top of each other, from left to right, in one spelling; nothing is filled in yet. */
export function mergeLayers(layers: readonly Layer[]): Merged {
  const last = layers.at(-1)
  const known = last && MERGED.get(last)
  if (known?.layers.length === layers.length && known.layers.every((layer, index) => layer === layers[index]))
    return known.merged
  const merged = mergeAnew(layers)
  if (last) MERGED.set(last, { layers: [...layers], merged })
  return merged
}

function mergeAnew(layers: readonly Layer[]): Merged {
  const spelled = layers.map(layer => ({ file: layer.file, ...spellWithHyphens(layer.table) }))
  const problems = spelled.flatMap(({ file, problems: own }) => own.map(problem => ({ ...problem, place: { file } })))
  const table = spelled.map(({ table: own }) => own).reduce((earlier, later) => mergeTables(earlier, later), {})
  return { table, problems }
}

/**
 * Merges the layers from left to right, fills in placeholders and adds the webhook, the first-boot script and the
 * machine's name where the layers have none. Keys come out with hyphens. With an error among the problems the answer is
 * not to be used.
 */
export function composeLayers(
  layers: readonly Layer[],
  context: ComposeContext,
): { answer: AnswerTable; problems: AnswerProblem[] } {
  const merged = mergeLayers(layers)
  const filled = fillPlaceholders(merged.table, context.machine, context.site, context.passwordHash)
  const problems = [...merged.problems, ...filled.problems]
  const named = addName(filled.table, context)
  const hooked = addWebhook(named, context, problems)
  return { answer: addFirstBoot(hooked, context, problems), problems }
}
