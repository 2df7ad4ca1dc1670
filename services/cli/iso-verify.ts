/** `rackrise iso verify`: compares ISOs with the checksums that were published for them, and remembers what it found. */
import { basename, dirname, resolve } from 'node:path'
import { styleText } from 'node:util'
import { viewChecksum } from '../console/iso-view.ts'
import { remoteIsos } from '../console/remote-isos.ts'
import { isLibraryName } from '../iso/catalogue.ts'
import { notesIn } from '../iso/notes.ts'
import { isReadable, usualKeyrings } from '../iso/signature.ts'
import { checksumProblem, type Verification } from '../iso/verification.ts'
import { type Verified, verifyFile } from '../iso/verify.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import { complain, complainOf, type ExitStatus, say, type Values } from './command.ts'
import { runningSocket } from './state.ts'
import type { IsoVerb } from './iso.ts'
import { openLibrary } from '../health/edge/library.ts'
import { isoPath } from './library.ts'
import { errorTerminal, Progress } from './progress.ts'
import { siteFor, siteIfAny } from './site-file.ts'
import type { ChecksumView } from '../console/schema/iso.ts'

type Outcome = { path: string; checksum?: ChecksumView; problems: Problem[] }

function warning(code: string, path: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'warning', place: { file: path } }
}

/** What a person is told about a file beside its outcome; only errors make the answer no. */
function remarksOn(path: string, found: Verification, mustBeSigned: boolean): Problem[] {
  const file = basename(path)
  const failed = checksumProblem(file, path, found)
  if (failed) return [failed]
  if (found.outcome === 'unlisted') {
    const message = `no SHA256SUMS and no ${file}.sha256 beside it names ${file}; its SHA-256 is ${found.sha256}`
    const hint = 'put the SHA256SUMS of enterprise.proxmox.com/iso, and its signature, beside it'
    return [{ ...warning('iso-unlisted', path, message, hint), severity: 'error' }]
  }
  if (found.signature === 'good') return []
  const why = found.signature === 'none' ? `${found.lists.join(' and ')} has no signature beside it` : (found.why ?? '')
  const hint = 'put SHA256SUMS.asc beside it, and name the keys of who signs with --keyring FILE'
  const unsigned = warning('iso-unsigned', path, `who wrote the list of checksums is not known: ${why}`, hint)
  return [mustBeSigned ? { ...unsigned, severity: 'error' } : unsigned]
}

/** Kept for files of the library only: others are nobody's to serve. */
async function remember(
  site: Site | undefined,
  path: string,
  { verification, identity }: Verified,
): Promise<Problem[]> {
  const file = basename(path)
  if (!site || dirname(path) !== resolve(site.paths.isos) || !isLibraryName(file)) return []
  try {
    await notesIn(site.paths.state).keep('checksum', file, identity, verification)
    return []
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    const hint = `run it as the user of the appliance, or as root`
    return [warning('iso-not-noted', path, `what was found could not be kept in ${site.paths.state}: ${what}`, hint)]
  }
}

type How = { keyrings: string[]; site: Site | undefined; mustBeSigned: boolean; json: boolean }

async function verifyOne(path: string, { keyrings, site, mustBeSigned, json }: How): Promise<Outcome> {
  const progress = new Progress(basename(path), errorTerminal(json), () => performance.now())
  const onProgress = (done: number, total: number): void => progress.show(done, total)
  const found = await verifyFile(path, { keyrings, now: () => Date.now(), onProgress })
  progress.clear()
  if (isProblem(found)) return { path, problems: [found] }
  const { verification } = found
  const problems = [...remarksOn(path, verification, mustBeSigned), ...(await remember(site, path, found))]
  return { path, checksum: viewChecksum(verification), problems }
}

const COLOURS = { good: 'green', failed: 'red', unlisted: 'yellow', unreadable: 'red' } as const

function lineOf({ path, checksum }: Outcome, width: number, colour: boolean): string {
  const word = checksum?.outcome ?? 'unreadable'
  const padded = word.padEnd('unreadable'.length)
  const lists = checksum?.outcome === 'good' ? checksum.lists.join(', ') : ''
  const signed = checksum?.signature === 'good' ? (checksum.why ?? '') : ''
  const name = basename(path).padEnd(width)
  return [name, colour ? styleText(COLOURS[word], padded) : padded, lists, signed].join('  ').trimEnd()
}

/** Files that were named, else all of the library that could be served; those that are being copied wait for the next time. */
async function pathsOf(args: string[], site: Site | undefined): Promise<{ paths: string[]; growing: Problem[] }> {
  if (args.length > 0) return { paths: await Promise.all(args.map(said => isoPath(said, site))), growing: [] }
  const files = site
    ? (await openLibrary(site)).files().filter(({ file, size }) => isLibraryName(file) && size > 0)
    : []
  const growing = files.flatMap(({ problems }) => problems.filter(({ code }) => code === 'iso-growing'))
  const waiting = new Set(growing.map(({ place }) => place?.file))
  return { paths: files.map(({ path }) => path).filter(path => !waiting.has(path)), growing }
}

async function keyringsOf(values: Values): Promise<string[] | Problem> {
  const named = values['keyring']
  if (typeof named !== 'string') return usualKeyrings()
  if (await isReadable(named)) return [named]
  const message = `the file of keys ${named} cannot be read`
  return { code: 'keyring', message, hint: 'correct --keyring', severity: 'error' }
}

/** So that a running appliance serves, or no longer serves, what was looked at. Its own looks at the folder do the same later. */
async function tellRunning(site: Site): Promise<void> {
  const socket = await runningSocket(site)
  if (socket) await remoteIsos(socket).list({ fresh: true })
}

async function verifyAll(paths: string[], keyrings: string[], site: Site | undefined, values: Values) {
  const json = values['json'] === true
  const width = Math.max(...paths.map(path => basename(path).length))
  const outcomes: Outcome[] = []
  for (const path of paths) {
    const outcome = await verifyOne(path, { keyrings, site, mustBeSigned: values['keyring'] !== undefined, json })
    outcomes.push(outcome)
    if (json) continue
    say(lineOf(outcome, width, process.stdout.isTTY))
    complainOf(outcome.problems, false)
  }
  if (json) say(JSON.stringify(outcomes, null, 2))
  return outcomes
}

export const verifyVerb: IsoVerb = {
  usage: ['iso verify [--keyring FILE] [FILE...]'],
  options: {
    keyring: { type: 'string', value: 'FILE', help: 'public keys of who signs SHA256SUMS; verify then insists on it' },
  },
  takes: { least: 0, most: Infinity, what: 'files' },
  async run(args, values): Promise<ExitStatus> {
    const site = args.length > 0 ? await siteIfAny(values) : ((await siteFor(values)) ?? 'wrong')
    if (site === 'wrong') return 1
    const keyrings = await keyringsOf(values)
    if (isProblem(keyrings)) {
      complainOf([keyrings], values['json'] === true)
      return 1
    }
    const { paths, growing } = await pathsOf(args, site)
    if (values['json'] !== true) complainOf(growing, false)
    if (paths.length === 0) {
      complain(`rackrise iso: nothing to verify is in ${site?.paths.isos}`)
      return 1
    }
    const outcomes = await verifyAll(paths, keyrings, site, values)
    if (site) await tellRunning(site)
    return outcomes.every(({ problems }) => problems.every(({ severity }) => severity === 'warning')) ? 0 : 1
  },
}
