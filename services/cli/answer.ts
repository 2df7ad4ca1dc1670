/** `rackrise answer`: answer files and layers, before a machine asks for them. */
import { open } from 'node:fs/promises'
import {
  type AnswerTarget,
  dialectOf,
  formatVersion,
  isAtLeast,
  parseVersion,
  PRODUCTS,
  releasesOf,
} from '../answer/dialect.ts'
import { type AnswerProblem, answerError } from '../answer/problems.ts'
import { decodeText, type FileKind, validateText } from '../answer/validate-text.ts'
import { isProblem } from '../kit/is-problem.ts'
import {
  type FileReport,
  isRefused,
  jsonReport,
  prettyReport,
  problemLines,
  summaryLine,
  type TargetName,
  verdictLine,
} from './answer-report.ts'
import { renderAnswerOf } from './answer-render.ts'
import { type Command, complain, type ExitStatus, say, usageError, verbProblem, type Values } from './command.ts'
import { USUAL_COLUMNS } from './wrap.ts'

const STDIN = '-'
/** Far above every answer, and what the appliance takes as a layer. */
const LARGEST_BYTES = 1024 * 1024

async function readBounded(file: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const handle = file === STDIN ? undefined : await open(file, 'r')
  for await (const chunk of handle ? handle.createReadStream() : process.stdin) {
    chunks.push(chunk as Uint8Array)
    length += (chunk as Uint8Array).length
    if (length > LARGEST_BYTES) break
  }
  return Buffer.concat(chunks)
}

function unreadable(file: string, message: string, hint: string): AnswerProblem {
  return answerError('unreadable', message, hint, { file })
}

async function readFile(file: string, name: string): Promise<string | AnswerProblem> {
  try {
    const octets = await readBounded(file)
    if (octets.length > LARGEST_BYTES)
      return unreadable(name, 'it is larger than 1 MiB', 'an answer has a few hundred bytes')
    return decodeText(octets, name)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    if (code === 'ENOENT') return unreadable(name, 'it does not exist', 'name the files of answers or layers')
    return unreadable(name, `it cannot be read (${code})`, 'check its permissions')
  }
}

async function examine(file: string, target: AnswerTarget, kind: FileKind | undefined): Promise<FileReport> {
  const name = file === STDIN ? 'stdin' : file
  const text = await readFile(file, name)
  return isProblem(text) ? { file: name, problems: [text] } : { file: name, ...validateText(text, name, target, kind) }
}

function textOf(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** What the release says of the installer, unless the installer itself is named. */
function targetOf(values: Values): { target: AnswerTarget; name: TargetName } | string {
  const product = textOf(values, 'product') ?? 'pve'
  const asked = textOf(values, 'installer')
  const releases = releasesOf(product)
  if (releases.length === 0) return `there is no product "${product}"; say one of ${PRODUCTS.join(', ')}`
  const chosen = textOf(values, 'release') ?? releases.at(-1)!
  const version = parseVersion(chosen)
  if (!version) return `"${chosen}" is not a release; say one such as ${releases.join(', ')}`
  if (!isAtLeast(version, parseVersion(releases[0]!)!)) {
    return `${product} ${chosen} has no automated installer; the first one with it is ${releases[0]}`
  }
  const named = asked === undefined ? undefined : parseVersion(asked)
  if (asked !== undefined && (!named || named[0] < 8))
    return `"${asked}" is not a version of proxmox-installer, as 9.2.7`
  const installer = named ?? dialectOf({ product, release: chosen }).installer
  const newest = releases.at(-1)!
  const isKnown = named !== undefined || isAtLeast(parseVersion(newest)!, version)
  const name = { product, release: chosen, installer: formatVersion(installer), ...(!isKnown && { checkedAs: newest }) }
  return { target: { installer, product }, name }
}

function print(reports: readonly FileReport[], target: TargetName, json: boolean): void {
  if (json) return say(jsonReport(reports, target))
  if (process.stdout.isTTY && process.stderr.isTTY) {
    for (const report of reports) say(prettyReport(report, process.stdout.columns || USUAL_COLUMNS))
    return say(`\n${summaryLine(reports, target)}`)
  }
  for (const line of problemLines(reports)) complain(line)
  for (const report of reports) say(verdictLine(report))
  say(summaryLine(reports, target))
}

async function validate(files: readonly string[], values: Values): Promise<ExitStatus> {
  if (files.length === 0) return usageError(answerCommand, 'answer validate needs at least one file, or - for stdin')
  const chosen = targetOf(values)
  if (typeof chosen === 'string') return usageError(answerCommand, chosen)
  const kind = values['layer'] === true ? 'layer' : undefined
  const reports: FileReport[] = []
  for (const file of new Set(files)) reports.push(await examine(file, chosen.target, kind))
  print(reports, chosen.name, values['json'] === true)
  return reports.some(isRefused) ? 1 : 0
}

type Verb = (positionals: readonly string[], values: Values) => Promise<ExitStatus>

async function render([query, more]: readonly string[], values: Values): Promise<ExitStatus> {
  if (query === undefined) return usageError(answerCommand, 'answer render needs a machine: its name, or any MAC')
  return more === undefined ? renderAnswerOf(query, values) : usageError(answerCommand, `"${more}" is too much`)
}

const VERBS: Record<string, Verb> = { validate, render }

export const answerCommand: Command = {
  name: 'answer',
  summary: 'check answer files and layers, and see the answer of a machine, before it asks',
  usage: ['answer validate [--release 9.2] [--product pve] [--layer] FILE...', 'answer render NAME|MAC [--reveal]'],
  options: {
    release: { type: 'string', value: 'RELEASE', help: 'of the product that shall install (default: the newest)' },
    product: { type: 'string', value: 'NAME', help: `one of ${PRODUCTS.join(', ')} (default pve)` },
    installer: {
      type: 'string',
      value: 'VERSION',
      help: 'of proxmox-installer, where the release does not say it: 9.1.7',
    },
    reveal: { type: 'boolean', help: 'render with all secrets; the timeline tells who saw them' },
    layer: { type: 'boolean', help: 'the files are parts of answers; a file with {{...}} always is' },
  },
  example: 'rackrise answer validate --release 8.4 --layer answers/*.toml',
  refusal: 'an answer or layer has an error, or there is no such machine',
  async run(positionals, values) {
    const [word, ...rest] = positionals
    const verb = word !== undefined && Object.hasOwn(VERBS, word) ? VERBS[word] : undefined
    if (verb) return verb(rest, values)
    return usageError(answerCommand, verbProblem('answer', Object.keys(VERBS), word))
  },
}
