/** Reads a site file from disk; the only file of this room that touches the world. */
import { open, stat } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import type { Problem } from '../kit/problem.ts'
import type { Finding, SiteProblemCode } from './finding.ts'
import { conclude, examineSite, type Environment, type ParsedSite } from './parse.ts'
import type { Draft } from './schema.ts'
import { judgeFile, namedFiles, type FileState, type Keepers } from './secret-files.ts'

/** Far above the site of a large fleet (a thousand machines take a tenth of it), far below what hurts (M06). */
const LARGEST_SITE_BYTES = 1024 * 1024

/**
 * The site that the file describes, with what is doubtful about it; or all problems at once, in file order (M02).
 * Never throws for anything that a file can be.
 */
export async function loadSite(file: string): Promise<ParsedSite> {
  const reading = await readSource(file)
  if ('problem' in reading) return { problems: [reading.problem] }
  const examination = examineSite(reading.source, file, hostEnvironment())
  const { draft, base } = examination
  return conclude(examination, file, draft ? await judgeNamed(draft, base, file) : [])
}

async function judgeNamed(draft: Draft, base: string, file: string): Promise<Finding[]> {
  const keepers = await keepersOf(resolve(base, draft.paths.state), file)
  const findings: Finding[] = []
  for (const one of namedFiles(draft, base)) findings.push(...judgeFile(one, await stateOf(one.file), keepers))
  return findings
}

/**
 * Root; whoever reads this now; whom the appliance runs as, whose the state folder is; and whose the site file is, who may name another secret as well.
 * Undefined while there is no state folder: nobody knows then whom it will run as.
 */
async function keepersOf(stateFolder: string, siteFile: string): Promise<Keepers | undefined> {
  try {
    const [state, site] = [await stat(stateFolder), await stat(siteFile)]
    return { uids: [0, process.geteuid!(), state.uid, site.uid], stateFolder }
  } catch {
    return undefined
  }
}

/** What this host says: the first IPv4 address of an interface, the folder we were started in. */
export function hostEnvironment(): Environment {
  return {
    interfaceAddress: name => networkInterfaces()[name]?.find(({ family }) => family === 'IPv4')?.cidr ?? undefined,
    workingFolder: process.cwd(),
  }
}

async function readSource(file: string): Promise<{ source: string } | { problem: Problem }> {
  try {
    // A device or a pipe would block the reader; a site file is a regular file.
    const { size, isFile } = await stat(file).then(found => ({ size: found.size, isFile: found.isFile() }))
    if (!isFile) return refuse(file, 'unreadable', 'it is not a file', 'name the site file with --config')
    if (size > LARGEST_SITE_BYTES)
      return refuse(file, 'too-large', 'it is larger than 1 MiB', 'write a shorter site file')
    const bytes = await readBounded(file)
    if (bytes.length > LARGEST_SITE_BYTES)
      return refuse(file, 'too-large', 'it is larger than 1 MiB', 'write a shorter site file')
    return { source: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch (error) {
    return refuseFor(file, error)
  }
}

async function readBounded(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r')
  try {
    const bytes = new Uint8Array(LARGEST_SITE_BYTES + 1)
    let filled = 0
    for (;;) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled)
      filled += bytesRead
      if (bytesRead === 0 || filled === bytes.length) return bytes.subarray(0, filled)
    }
  } finally {
    await handle.close()
  }
}

function refuseFor(file: string, error: unknown): { problem: Problem } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return refuse(file, 'not-utf-8', 'it is not UTF-8 text', 'save it as UTF-8')
  if (code === 'ENOENT')
    return refuse(
      file,
      'unreadable',
      'it does not exist',
      'name another one with --config, or make one with `rackrise init`',
    )
  return refuse(file, 'unreadable', `it cannot be read (${code})`, 'check its permissions')
}

function refuse(file: string, code: SiteProblemCode, message: string, hint: string): { problem: Problem } {
  return { problem: { code, message, hint, severity: 'error', place: { file } } }
}

async function stateOf(file: string): Promise<FileState> {
  try {
    const found = await stat(file)
    return { isFile: found.isFile(), mode: found.mode, size: found.size, uid: found.uid }
  } catch (error) {
    return { error: error instanceof Error && 'code' in error ? String(error.code) : 'unknown' }
  }
}
