/** `rackrise iso prepare`: an ISO for a medium that installs by itself, as the official tool prepares one. */
import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { dialectOf } from '../answer/dialect.ts'
import { findUrlMistake, isFingerprint } from '../answer/shapes.ts'
import { decodeText, validateText } from '../answer/validate-text.ts'
import { inspectFile, type IsoEntry } from '../iso/catalogue.ts'
import { type ParsedModeFile } from '../iso/mode-file.ts'
import { checkPreparation, prepareImage, type Preparation, preparedName } from '../iso/prepare.ts'
import { writeImage } from '../iso/write-image.ts'
import { formatSize } from '../kit/amount.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import { totalLength } from '../kit/segments.ts'
import type { Release } from '../iso/release.ts'
import { complainOf, type ExitStatus, say, usageError, type Values } from './command.ts'
import type { IsoVerb } from './iso.ts'
import { isoPath } from './library.ts'
import { errorTerminal, Progress } from './progress.ts'
import { siteIfAny } from './site-file.ts'

const MODES = ['http', 'iso', 'partition'] as const
/** What only one mode has a use for. */
const ONLY_FOR: Record<string, (typeof MODES)[number]> = {
  url: 'http',
  'cert-fingerprint': 'http',
  'answer-auth-token': 'http',
  'answer-auth-token-file': 'http',
  'answer-file': 'iso',
  'partition-label': 'partition',
}
/** The installer cuts longer scripts without a word. */
const MOST_SCRIPT_BYTES = 1024 ** 2
const MOST_ANSWER_BYTES = 1024 ** 2
const MOST_TOKEN_BYTES = 4096
const BY_OTHERS = 0o077
const MODE_WITH_SECRETS = 0o600
const MODE_WITHOUT = 0o644
/** The installer looks file systems up by links that udev makes; it writes other characters in another way from 8.3.2 on. */
const LABEL = /^[A-Za-z0-9#+\-.:=@_]{1,64}$/

type Said = Values & { 'fetch-from': (typeof MODES)[number] }

function error(code: string, message: string, hint: string, file?: string): Problem {
  return { code, message, hint, severity: 'error', ...(file ? { place: { file } } : {}) }
}

function text(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** What is wrong with the command line as such; undefined if nothing is. */
export function usageMistake(values: Values): string | undefined {
  const from = text(values, 'fetch-from')
  const mode = MODES.find(known => known === from)
  if (!mode) return `iso prepare needs --fetch-from ${MODES.join(', ').replace(/, (\w+)$/, ' or $1')}`
  const stray = Object.keys(ONLY_FOR).find(name => values[name] !== undefined && ONLY_FOR[name] !== mode)
  if (stray) return `--${stray} is for --fetch-from ${ONLY_FOR[stray]}`
  if (mode === 'iso' && values['answer-file'] === undefined) return '--fetch-from iso needs --answer-file'
  const [url, fingerprint] = [text(values, 'url'), text(values, 'cert-fingerprint')]
  const mistake = url === undefined ? undefined : findUrlMistake(url)
  if (mistake) return `--url ${mistake}`
  if (fingerprint !== undefined && !isFingerprint(fingerprint))
    return '--cert-fingerprint is not a SHA-256 fingerprint: write 64 hexadecimal digits, colons allowed'
  const label = text(values, 'partition-label')
  if (label !== undefined && !LABEL.test(label)) return '--partition-label has letters, digits and #+-.:=@_ only'
  if (values['answer-auth-token'] !== undefined && values['answer-auth-token-file'] !== undefined)
    return 'name the token once: --answer-auth-token or --answer-auth-token-file'
  return undefined
}

/** A small file that the command line names. */
async function readNamed(path: string, most: number, isSecret = false): Promise<Uint8Array | Problem> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const about = await file.stat()
      if (!about.isFile()) return error('file-missing', 'this is not a file', 'name a regular file', path)
      if (isSecret && (about.mode & BY_OTHERS) !== 0)
        return error('file-open', 'it holds a secret, and others may read it', `chmod 600 ${path}`, path)
      if (about.size > most) return error('file-too-large', `it has ${about.size} bytes`, `${most} are the most`, path)
      if (about.size === 0) return error('file-missing', 'it is empty', 'write it, or leave the option out', path)
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure)
    return error('file-missing', `it cannot be read: ${reason}`, 'make it, or correct the path', path)
  }
}

/** By convention `name:secret`; it becomes a header, so that it has no blanks. */
async function tokenOf(values: Values): Promise<string | Problem | undefined> {
  const path = text(values, 'answer-auth-token-file')
  const read = path === undefined ? undefined : await readNamed(path, MOST_TOKEN_BYTES, true)
  if (isProblem(read)) return read
  const token = read ? new TextDecoder().decode(read).trim() : text(values, 'answer-auth-token')
  if (token === undefined || /^[!-9;-~]+:[!-~]+$/.test(token)) return token
  return error('wrong-value', 'the token is not of the form NAME:SECRET, without blanks', 'write it on one line', path)
}

/** What is wrong with the answer for that release: a script that it wants has to come along. */
function checkAnswer(bytes: Uint8Array, path: string, release: Release, hasScript: boolean): Problem[] {
  const source = decodeText(bytes, path)
  if (isProblem(source)) return [source]
  const target = { installer: dialectOf(release).installer, product: release.product }
  return validateText(source, path, target, 'answer').problems.flatMap((problem): Problem[] => {
    if (problem.code !== 'first-boot-elsewhere') return [problem]
    return hasScript ? [] : [{ ...problem, severity: 'error', hint: 'name the script with --on-first-boot' }]
  })
}

function modeOf(values: Said, token: string | undefined): ParsedModeFile {
  const [url, certFingerprint] = [text(values, 'url'), text(values, 'cert-fingerprint')]
  const partitionLabel = text(values, 'partition-label')
  return {
    mode: values['fetch-from'],
    ...(url === undefined ? {} : { url }),
    ...(certFingerprint === undefined ? {} : { certFingerprint }),
    ...(token === undefined ? {} : { token }),
    ...(partitionLabel === undefined ? {} : { partitionLabel }),
  }
}

/** Everything that goes into the image, or all that is wrong with it; warnings come along. */
async function gather(entry: IsoEntry, values: Said): Promise<{ preparation?: Preparation; problems: Problem[] }> {
  const [answerPath, scriptPath] = [text(values, 'answer-file'), text(values, 'on-first-boot')]
  const token = await tokenOf(values)
  const answer = answerPath === undefined ? undefined : await readNamed(answerPath, MOST_ANSWER_BYTES)
  const firstBoot = scriptPath === undefined ? undefined : await readNamed(scriptPath, MOST_SCRIPT_BYTES)
  const unread = [token, answer, firstBoot].filter(isProblem)
  if (isProblem(token) || isProblem(answer) || isProblem(firstBoot)) return { problems: unread }
  const mode = modeOf(values, token)
  const preparation: Preparation = { mode, ...(answer ? { answer } : {}), ...(firstBoot ? { firstBoot } : {}) }
  const problems = [
    ...checkPreparation(entry, preparation),
    ...(answer ? checkAnswer(answer, answerPath!, entry.release, firstBoot !== undefined) : []),
  ]
  if (mode.url?.startsWith('http:') && mode.certFingerprint !== undefined)
    problems.push({
      ...error('ineffective-key', 'the fingerprint is ignored with an http URL', 'write https, or leave it out'),
      severity: 'warning',
    })
  return { preparation, problems }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map(path => stat(path).catch(() => undefined)))
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev
}

/** Ctrl+C and a stop end the writing, which then leaves nothing behind. */
async function withInterrupt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = () => controller.abort()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop)
  try {
    return await work(controller.signal)
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, stop)
  }
}

type Written = { output: string; bytes: number; secret: boolean }

async function write(
  entry: IsoEntry,
  preparation: Preparation,
  output: string,
  { force, json }: { force: boolean; json: boolean },
): Promise<Written | Problem> {
  if (await isSameFile(entry.path, output))
    return error('iso-exists', 'this is the ISO itself', 'name another --output', output)
  const segments = await prepareImage(entry, preparation)
  if (isProblem(segments)) return segments
  const secret = preparation.answer !== undefined || preparation.mode.token !== undefined
  const progress = new Progress(basename(output), errorTerminal(json), () => performance.now())
  const problem = await withInterrupt(signal =>
    writeImage({
      segments,
      output,
      mode: secret ? MODE_WITH_SECRETS : MODE_WITHOUT,
      force,
      signal,
      onProgress: (done, total) => progress.show(done, total),
    }),
  )
  progress.clear()
  return problem ?? { output, bytes: totalLength(segments), secret }
}

function sayWritten(
  { output, bytes, secret }: Written,
  { mode }: ParsedModeFile,
  problems: Problem[],
  json: boolean,
): void {
  if (json) return say(JSON.stringify({ output, bytes, mode, problems }, null, 2))
  complainOf(problems, false)
  say(`${output} written, ${formatSize(bytes)}${secret ? '; it holds secrets, so that only you may read it' : ''}`)
}

async function prepare(said: string, values: Said): Promise<ExitStatus> {
  const json = values['json'] === true
  const fail = (problems: Problem[]): ExitStatus => {
    complainOf(problems, json)
    return 1
  }
  const site = await siteIfAny(values)
  if (site === 'wrong') return 1
  const path = await isoPath(said, site)
  const { result: entry } = await inspectFile(path)
  if (isProblem(entry)) return fail([entry])
  const { preparation, problems } = await gather(entry, values)
  if (!preparation || problems.some(({ severity }) => severity === 'error')) return fail(problems)
  const output = resolve(text(values, 'output') ?? join(dirname(path), preparedName(basename(path), preparation.mode)))
  const written = await write(entry, preparation, output, { force: values['force'] === true, json })
  if (isProblem(written)) return fail([...problems, written])
  sayWritten(written, preparation.mode, problems, json)
  return 0
}

export const prepareVerb: IsoVerb = {
  usage: ['iso prepare FILE --fetch-from http|iso|partition [OPTIONS]'],
  options: {
    'fetch-from': { type: 'string', value: 'MODE', help: 'prepare: where the answer is: http, iso or partition' },
    output: { type: 'string', value: 'FILE', help: 'prepare: default beside FILE, as FILE-auto-from-MODE.iso' },
    url: { type: 'string', value: 'URL', help: 'prepare: of the answer (http); default: what DHCP or DNS say' },
    'cert-fingerprint': { type: 'string', value: 'SHA256', help: "prepare: of the answer server's certificate (http)" },
    'answer-auth-token': {
      type: 'string',
      value: 'NAME:SECRET',
      help: 'prepare: shown to the server (http, from 9.2 on)',
    },
    'answer-auth-token-file': {
      type: 'string',
      value: 'FILE',
      help: 'prepare: the same, unseen in the list of processes',
    },
    'answer-file': { type: 'string', value: 'FILE', help: 'prepare: the answer itself (iso)' },
    'partition-label': { type: 'string', value: 'LABEL', help: 'prepare: of the disk with the answer (partition)' },
    'on-first-boot': { type: 'string', value: 'FILE', help: 'prepare: script for first-boot.source = "from-iso"' },
    force: { type: 'boolean', help: 'prepare: replace the output' },
  },
  takes: { least: 1, most: 1, what: 'a file: a path, or a name in the library' },
  async run([said = ''], values) {
    const mistake = usageMistake(values)
    return mistake ? usageError({ name: 'iso' }, mistake) : prepare(said, values as Said)
  },
}
