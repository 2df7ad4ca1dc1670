/** Reads the answers folder. The only file of this room that touches the disk. */
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, realpath } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import type { Clock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import { parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import { type Layers, readLayer } from './layer.ts'
import { answerError } from './problems.ts'

export type { Layer, Layers } from './layer.ts'

const LARGEST_LAYER = 1024 * 1024
const MOST_LAYERS = 10_000
/** Two changes within one step of a file system's clock look like one; no file system in use has longer steps. */
const CLOCK_STEP_MS = 2000
const LAYER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

function unreadable(file: string, message: string): Problem {
  return answerError('layer-unreadable', message, 'make it a regular UTF-8 file inside the answers folder', { file })
}

async function readOpened(handle: FileHandle, file: string): Promise<string | Problem> {
  const about = await handle.stat()
  if (!about.isFile()) return unreadable(file, 'not a regular file')
  if (about.size > LARGEST_LAYER) return unreadable(file, `larger than ${LARGEST_LAYER} bytes`)
  const bytes = await handle.readFile()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return unreadable(file, 'not UTF-8')
  }
}

/** A link is followed only to a file inside the folder (container volumes are made of such links). */
async function readText(folder: string, file: string): Promise<string | Problem> {
  try {
    const real = await realpath(file)
    if (!real.startsWith(folder + sep)) return unreadable(file, 'a link that leads out of the folder')
    // Not to hang on a FIFO, and not to follow a link that was put there just now.
    const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      return await readOpened(handle, file)
    } finally {
      await handle.close()
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return unreadable(file, `not readable (${code})`)
  }
}

type ReadLayer = ReturnType<typeof readLayer>

/** What was read of each file, for as long as the file is what it was. A file that was not there when the folder was read last is forgotten. */
export type KnownFiles = { clock: Pick<Clock, 'now'>; byFile: Map<string, { state: string; read: ReadLayer }> }

export function noKnownFiles(clock: Pick<Clock, 'now'>): KnownFiles {
  return { clock, byFile: new Map() }
}

/** A folder as it was listed, and where it really is. */
type Place = { root: string; real: string; known: KnownFiles | undefined; now: KnownFiles['byFile'] }

/**
 * Everything that changes when the file does, undefined where that can't be told: a link leads to another file at any time, and a file that was
 * written to just now may be written to again without a later time.
 */
async function stateOf({ real, known }: Place, file: string): Promise<string | undefined> {
  if (!known) return undefined
  const about = await lstat(file, { bigint: true }).catch(() => undefined)
  if (!about?.isFile() || known.clock.now() - Number(about.ctimeMs) < CLOCK_STEP_MS) return undefined
  return [real, about.dev, about.ino, about.size, about.mtimeNs, about.ctimeNs].join(' ')
}

async function readFileOnce(place: Place, file: string, name: string): Promise<ReadLayer> {
  // Before the file is read: what is written to it meanwhile is another state.
  const state = await stateOf(place, file)
  const known = place.known?.byFile.get(file)
  const isSame = state !== undefined && known?.state === state
  const read = isSame ? known.read : await readAnew(place, file, name)
  if (state !== undefined) place.now.set(file, { state, read })
  return read
}

async function readAnew({ root }: Place, file: string, name: string): Promise<ReadLayer> {
  const text = await readText(root, file)
  return isProblem(text) ? { problems: [text] } : readLayer(name, file, text)
}

async function addLayer(layers: Layers, place: Place, file: string, name: string): Promise<void> {
  const mac = parseMac(name)
  const key = mac ?? name
  if ((mac && layers.byMac.has(mac)) || layers.broken.has(key)) {
    const problem = answerError('layer-duplicate', `a second file for ${key}`, 'keep one of them', { file })
    layers.problems.push(problem)
    if (mac) layers.byMac.delete(mac)
    layers.broken.set(key, problem)
    return
  }
  const read = await readFileOnce(place, file, name)
  layers.problems.push(...read.problems)
  if (!('layer' in read) || !read.layer) {
    const [first] = read.problems
    if (first) layers.broken.set(key, first)
  } else if (mac) layers.byMac.set(mac, read.layer)
  else layers.byName.set(name, read.layer)
}

async function listLayers(folder: string): Promise<string[] | undefined> {
  try {
    const names = await readdir(folder)
    return names.filter(name => name.endsWith('.toml') && !name.startsWith('.')).sort()
  } catch {
    return undefined
  }
}

/** The well-known small answer servers keep `<MAC>.toml` in a folder of that name, beside `default.toml`. */
const MAC_FOLDER = 'answers'

async function addFile(layers: Layers, place: Place, path: string, isMacFolder: boolean): Promise<void> {
  const name = basename(path, '.toml')
  const isNamedByMac = parseMac(name) !== undefined
  if (isNamedByMac || (!isMacFolder && LAYER_NAME.test(name))) return addLayer(layers, place, path, name)
  const hint = isMacFolder
    ? `name it by a MAC, or put it into the folder above`
    : 'use letters, digits, dots, dashes and underscores, 64 at most'
  layers.problems.push(answerError('layer-name', 'a layer cannot have this name', hint, { file: path }))
}

/**
 * Reads every `*.toml` of the folder (absolute path), and those that are named by a MAC in its folder `answers`; no other folder. Never
 * rejects: what cannot be read is a problem with its file, and with line and column where the TOML is wrong. With `known` a file is read again only
 * when it has changed.
 */
export async function loadLayers(folder: string, known?: KnownFiles): Promise<Layers> {
  const layers: Layers = { byName: new Map(), byMac: new Map(), broken: new Map(), problems: [] }
  const files = await listLayers(folder)
  const inner = (await listLayers(join(folder, MAC_FOLDER))) ?? []
  if (!files || files.length + inner.length > MOST_LAYERS) {
    const message = files ? `more than ${MOST_LAYERS} layers` : 'the answers folder is not readable'
    layers.problems.push(answerError('layer-folder', message, 'see paths.answers in the site', { file: folder }))
    return layers
  }
  const root = await realpath(folder)
  const place: Place = { root, real: root, known, now: new Map() }
  for (const file of files) await addFile(layers, place, join(folder, file), false)
  if (inner.length > 0) {
    const innerPlace = { ...place, real: await realpath(join(folder, MAC_FOLDER)).catch(() => '') }
    for (const file of inner) await addFile(layers, innerPlace, join(folder, MAC_FOLDER, file), true)
  }
  if (known) known.byFile = place.now
  return layers
}
