/** The library: a folder of Proxmox ISOs, read once and looked up by file name or by product and release. */
import { constants } from 'node:fs'
import { lstat, open, readdir, realpath } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isProblem } from '../kit/is-problem.ts'
import type { Log } from '../kit/log.ts'
import type { Problem } from '../kit/problem.ts'
import type { IsoEntry } from './entry.ts'
import { inspectImage } from './inspect.ts'
import { type ReadAt, readImage } from './iso9660.ts'
import { selectIso } from './select.ts'

export type { IsoEntry } from './entry.ts'
export { memoryNeeded } from './entry.ts'

/** Names become parts of URLs and of logs. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/i
const EXTENSION = /\.iso$/i

/** What tells that a file is the one that was read before. */
type Identity = { size: number; changedAt: number; inode: number }
type Known = Identity & { result: IsoEntry | Problem }

function problem(code: string, file: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'error', place: { file } }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Opens the file for each read: nothing to close when a rescan drops it. A link in its place is refused. */
function readerOf(path: string): ReadAt {
  return async (offset, length) => {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const bytes = new Uint8Array(length)
      const { bytesRead } = await file.read(bytes, 0, length, offset)
      return bytes.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  }
}

async function readEntry(path: string, file: string, size: number): Promise<IsoEntry | Problem> {
  const image = await readImage(readerOf(path), size)
  const entry = isProblem(image) ? image : await inspectImage(image, { path, file })
  return isProblem(entry) ? { ...entry, place: { file: path } } : entry
}

const NOTHING: Identity = { size: 0, changedAt: 0, inode: 0 }

function unreadable(path: string, error: unknown): Known {
  const hint = 'make it readable for the appliance, or remove it'
  return { ...NOTHING, result: problem('iso-unreadable', path, `this ISO cannot be read: ${reason(error)}`, hint) }
}

/** The image at `path`; what is known of it is kept where the file is the same. */
async function lookAt(path: string, file: string, before?: Known): Promise<Known> {
  try {
    const status = await lstat(path)
    if (!status.isFile()) {
      const hint = 'put the file itself there, or a hard link to it'
      return { ...NOTHING, result: problem('iso-not-regular', path, 'this is a link or a folder, not an ISO', hint) }
    }
    const identity = { size: status.size, changedAt: status.mtimeMs, inode: status.ino }
    if (before && isSame(before, identity)) return before
    return { ...identity, result: await readEntry(path, file, status.size) }
  } catch (error) {
    return unreadable(path, error)
  }
}

/** A file of the library, usable or not. */
export type LibraryFile = {
  file: string
  /** Absolute path. */
  path: string
  /** In bytes; 0 where it could not be looked at. */
  size: number
  result: IsoEntry | Problem
  /** What is wrong with it; warnings with a usable one, too. */
  problems: Problem[]
}

function problemsOf(result: IsoEntry | Problem): Problem[] {
  if (isProblem(result)) return [result]
  if (result.autoInstallCapable) return []
  const hint = 'use PVE 8.2, PBS 3.2, PMG 8.2, PDM 1.0 or later'
  const notCapable = problem('iso-not-capable', result.path, `${result.file} has no automated installation`, hint)
  return [{ ...notCapable, severity: 'warning' }]
}

export class IsoCatalogue {
  readonly folder: string
  readonly #log: Log
  #known = new Map<string, Known>()
  #told: string | undefined
  #folderProblem: Problem | undefined
  #scan: Promise<void> = Promise.resolve()

  /** @param folder absolute path; see `openCatalogue` */
  constructor(folder: string, log: Log) {
    this.folder = folder
    this.#log = log
  }

  /** Every usable image, by name. */
  entries(): IsoEntry[] {
    return [...this.#known.values()]
      .map(({ result }) => result)
      .filter((result): result is IsoEntry => !isProblem(result))
  }

  /** Every image, usable or not, by name. */
  files(): LibraryFile[] {
    return [...this.#known].map(([file, { size, result }]) => ({
      file,
      path: join(this.folder, file),
      size,
      result,
      problems: problemsOf(result),
    }))
  }

  /** What is wrong with the folder itself. */
  folderProblems(): Problem[] {
    return this.#folderProblem ? [this.#folderProblem] : []
  }

  /** Everything that is wrong with the folder and the images in it: usable ones last. */
  problems(): Problem[] {
    const rank = ({ result }: LibraryFile): number => (isProblem(result) ? 0 : 1)
    const files = this.files().toSorted((a, b) => rank(a) - rank(b))
    return [...this.folderProblems(), ...files.flatMap(({ problems }) => problems)]
  }

  /** By file name, or `pve:latest`, or `pbs:4.1` for the newest spin of that release. Problem `iso-unknown`. */
  find(selector: string): IsoEntry | Problem {
    return selectIso(this.entries(), selector, this.folder)
  }

  /** Looks at the folder again; images that did not change are not read again. Never rejects. */
  rescan(): Promise<void> {
    // One after the other: a file that came while a scan was under way is seen by the next.
    this.#scan = this.#scan.then(() => this.#readFolder())
    return this.#scan
  }

  async #readFolder(): Promise<void> {
    const known = new Map<string, Known>()
    try {
      const names = (await readdir(this.folder)).filter(name => EXTENSION.test(name)).toSorted()
      for (const name of names) known.set(name, await this.#readOne(name))
      this.#folderProblem = undefined
    } catch (error) {
      this.#folderProblem = problem(
        'iso-folder',
        this.folder,
        `the folder of ISOs cannot be read: ${reason(error)}`,
        'make it, or correct paths.isos in the site file',
      )
    }
    this.#known = known
    this.#sayWhatChanged()
  }

  /** The folder is read again and again; what stands there as before is not told again. */
  #sayWhatChanged(): void {
    const isos = this.entries().map(({ file }) => file)
    const problems = this.problems()
    const told = [...isos, ...problems.map(({ message, place }) => `${place?.file} ${message}`)].join('\n')
    if (told === this.#told) return
    this.#told = told
    for (const { code, message, hint, place } of problems)
      this.#log.warn({ code, file: place?.file }, `${message}; ${hint}`)
    this.#log.info({ folder: this.folder, isos }, 'library read')
  }

  async #readOne(name: string): Promise<Known> {
    const path = join(this.folder, name)
    if (!NAME.test(name)) {
      const hint = 'rename it: letters, digits, dot, dash and underscore, at most 128 of them'
      return { ...NOTHING, result: problem('iso-name', path, 'the name of this ISO cannot stand in a URL', hint) }
    }
    return lookAt(path, name, this.#known.get(name))
  }
}

function isSame(a: Identity, b: Identity): boolean {
  return a.size === b.size && a.changedAt === b.changedAt && a.inode === b.inode
}

/** One image, wherever it is and whatever its name; links are followed. Never rejects. */
export async function inspectFile(path: string): Promise<LibraryFile> {
  const file = basename(path)
  const { size, result } = await realpath(path).then(
    real => lookAt(real, file),
    (error: unknown) => unreadable(path, error),
  )
  return { file, path, size, result, problems: problemsOf(result) }
}

/** Opens the library in `folder` and reads it. What is wrong with folder or images is in its problems; it never rejects. */
export async function openCatalogue(folder: string, log: Log): Promise<IsoCatalogue> {
  const catalogue = new IsoCatalogue(resolve(folder), log)
  await catalogue.rescan()
  return catalogue
}
