/** The library: a folder of Proxmox ISOs, each read once, and looked up by file name or by product and release. */
import { constants } from 'node:fs'
import { lstat, open, readdir, realpath } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { type Clock, type Instant, systemClock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Log } from '../kit/log.ts'
import type { Problem } from '../kit/problem.ts'
import { bakedProblems, type Ours } from './baked.ts'
import type { IsoEntry } from './entry.ts'
import { type Identity, identityOf, isSame } from './identity.ts'
import { measureInitrd } from './initrd-size.ts'
import { inspectImage } from './inspect.ts'
import { type ReadAt, readImage } from './iso9660.ts'
import { type Notes, notesInMemory } from './notes.ts'
import { selectIso } from './select.ts'
import { checksumProblem, type Verification } from './verification.ts'
import { verifyFile, type VerifyOptions } from './verify.ts'

export type { IsoEntry } from './entry.ts'
export { memoryNeeded } from './entry.ts'

/** Names become parts of URLs and of logs. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/i
const EXTENSION = /\.iso$/i

/** Whether a file of that name can be served. */
export function isLibraryName(name: string): boolean {
  return NAME.test(name) && EXTENSION.test(name)
}

/** More than that are not looked at: each costs some reads every time. */
const MOST_FILES = 256
/** A file that was written to so lately is left alone, unless it was there when the library was opened. */
const SETTLE_MS = 2_000
/** One that is too short, and was written to so lately, is being copied; later it is the rest of a copy that failed. */
const COPY_PAUSE_MS = 60_000

/** What is known of a file. */
type Known = Identity & {
  /** As the file itself has it. */
  read: IsoEntry | Problem
  /** With what was noted about it; `noted` tells which notes that were. */
  result: IsoEntry | Problem
  noted?: string
  /** Left alone because it was written to just now. */
  settling?: true
  verification?: Verification | undefined
}

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

function unusable(read: Problem, identity = NOTHING): Known {
  return { ...identity, read, result: read }
}

function unreadable(path: string, error: unknown): Known {
  const hint = 'make it readable for the appliance, or remove it'
  return unusable(problem('iso-unreadable', path, `this ISO cannot be read: ${reason(error)}`, hint))
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

function missing(path: string): Known {
  const hint = 'name a path, or a file of `rackrise iso list`'
  return unusable(problem('iso-unreadable', path, 'this file does not exist', hint))
}

function growing(path: string, how: string): Problem {
  const hint = 'wait until it is copied wholly; if nobody is copying it, download it again'
  return { ...problem('iso-growing', path, `the file is still being copied: ${how}`, hint), severity: 'warning' }
}

function isGrowing({ read }: Known): boolean {
  return isProblem(read) && read.code === 'iso-growing'
}

/** The image at `path`, as the file itself has it. Links are refused. */
async function lookAt(
  path: string,
  file: string,
  how: { now: Instant; before?: Known; settled: boolean },
): Promise<Known> {
  try {
    const status = await lstat(path)
    if (!status.isFile()) {
      const hint = 'put the file itself there, or a hard link to it'
      return unusable(problem('iso-not-regular', path, 'this is a link or a folder, not an ISO', hint))
    }
    const identity = identityOf(status)
    const { before } = how
    if (before && isSame(before, identity) && !isGrowing(before)) return before
    // A clock that was set, here or on a file server, must not hold a file back: only the recent past counts.
    const age = how.now - identity.changedAt
    if (how.settled && age >= 0 && age < SETTLE_MS) {
      return { ...unusable(growing(path, `${identity.size} bytes so far`), identity), settling: true }
    }
    const read = await readEntry(path, file, identity.size)
    const short = isProblem(read) && read.code === 'iso-truncated' && age >= 0 && age < COPY_PAUSE_MS
    return short ? unusable(growing(path, read.message), identity) : { ...identity, read, result: read }
  } catch (error) {
    return unreadable(path, error)
  }
}

/** What was noted about an image, put to what it is: a failed checksum makes it unusable. */
async function withNotes(known: Known, file: string, path: string, notes: Notes): Promise<Known> {
  const { read } = known
  if (isProblem(read)) return known
  const verification = await notes.recall('checksum', file, known)
  const initrd = await notes.recall('initrd', file, known)
  const noted = `${verification?.at} ${initrd?.unpackedBytes}`
  if (noted === known.noted) return known
  const result =
    checksumProblem(file, path, verification) ?? (initrd ? { ...read, unpackedInitrd: initrd.unpackedBytes } : read)
  return { ...known, noted, result, verification }
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
  /** What is known of the image, also where it may not be used. */
  entry?: IsoEntry
  verification?: Verification
}

export type CatalogueOptions = {
  /** Default: what was found out is forgotten with the catalogue. */
  notes?: Notes
  clock?: Pick<Clock, 'now'>
  /** How prepared images would know this appliance; without it none is prepared for somebody else. */
  ours?: Ours
  /** After each look at the folder. */
  onLook?: (catalogue: IsoCatalogue) => void
}

/** What is to be said about an image that can be read. */
function doubtsAbout(entry: IsoEntry, ours: Ours | undefined): Problem[] {
  const baked = bakedProblems(entry, ours)
  if (entry.autoInstallCapable) return baked
  const hint = 'use PVE 8.2, PBS 3.2, PMG 8.2, PDM 1.0 or later'
  const notCapable = problem('iso-not-capable', entry.path, `${entry.file} has no automated installation`, hint)
  return [{ ...notCapable, severity: 'warning' }, ...baked]
}

export class IsoCatalogue {
  readonly folder: string
  readonly #log: Log
  readonly #notes: Notes
  readonly #clock: Pick<Clock, 'now'>
  readonly #ours: Ours | undefined
  readonly #onLook: (catalogue: IsoCatalogue) => void
  #known = new Map<string, Known>()
  #told: string | undefined
  #folderProblems: Problem[] = []
  #scan: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #opened = false
  /** Files whose initrd was measured, or could not be: nothing is tried for ever. */
  readonly #tried = new Map<string, Identity>()

  /** @param folder absolute path; see `openCatalogue` */
  constructor(folder: string, log: Log, options: CatalogueOptions = {}) {
    const { notes = notesInMemory(), clock = systemClock, ours, onLook = () => {} } = options
    this.folder = folder
    this.#log = log
    this.#notes = notes
    this.#clock = clock
    this.#ours = ours
    this.#onLook = onLook
  }

  /** Every usable image, by name. */
  entries(): IsoEntry[] {
    return [...this.#known.values()]
      .map(({ result }) => result)
      .filter((result): result is IsoEntry => !isProblem(result))
  }

  /** Every image, usable or not, by name. */
  files(): LibraryFile[] {
    return [...this.#known].map(([file, known]) => fileOf(file, join(this.folder, file), known, this.#ours))
  }

  /** What is wrong with the folder itself. */
  folderProblems(): Problem[] {
    return this.#folderProblems
  }

  /** Everything that is wrong with the folder and the images in it: usable ones last. */
  problems(): Problem[] {
    const rank = ({ result }: LibraryFile): number => (isProblem(result) ? 0 : 1)
    const files = this.files().toSorted((a, b) => rank(a) - rank(b))
    return [...this.folderProblems(), ...files.flatMap(({ problems }) => problems)]
  }

  /** By file name, or `pve:latest`, or `pbs:4.1` for the newest spin of that release. A named file that cannot be used is its problem, else `iso-unknown`. */
  find(selector: string): IsoEntry | Problem {
    const named = this.#known.get(selector)?.result
    return named ?? selectIso({ folder: this.folder, entries: this.entries(), unusable: this.#unusable() }, selector)
  }

  #unusable(): { file: string; code: string }[] {
    return [...this.#known].flatMap(([file, { result }]) => (isProblem(result) ? [{ file, code: result.code }] : []))
  }

  /** Whether a file was written to so lately that it is worth looking again soon. */
  isSettling(): boolean {
    return [...this.#known.values()].some(({ settling }) => settling)
  }

  /** Looks at the folder again; images that did not change are not read again. Never rejects. */
  rescan(): Promise<void> {
    // One after the other: a file that came while a scan was under way is seen by the next, which all who ask meanwhile share.
    this.#next ??= this.#scan.then(() => {
      this.#next = undefined
      this.#scan = this.#readFolder()
      return this.#scan
    })
    return this.#next
  }

  /** Measures the initrd of one image where that was not done yet, which takes a second or two. False if there was none. */
  async measureNext(signal: AbortSignal): Promise<boolean> {
    const found = [...this.#known].find(([file, known]) => {
      const tried = this.#tried.get(file)
      return !isProblem(known.result) && known.result.unpackedInitrd === undefined && !(tried && isSame(tried, known))
    })
    if (!found) return false
    const [file, known] = found
    const { path, initrd } = known.result as IsoEntry
    this.#tried.set(file, known)
    const unpackedBytes = await measureInitrd(path, initrd, signal).catch(() => undefined)
    if (unpackedBytes === undefined) return true
    await this.#notes.keep('initrd', file, known, { unpackedBytes })
    await this.rescan()
    return true
  }

  /** Compares one image of the folder with the lists beside it, and notes what was found. Problems, and rejections, of `verifyFile`. */
  async verify(file: string, options: VerifyOptions): Promise<Verification | Problem> {
    const found = await verifyFile(join(this.folder, file), options)
    if (isProblem(found)) return found
    await this.#notes.keep('checksum', file, found.identity, found.verification)
    await this.rescan()
    return found.verification
  }

  async #readFolder(): Promise<void> {
    const known = new Map<string, Known>()
    this.#folderProblems = []
    try {
      const names = (await readdir(this.folder)).filter(name => EXTENSION.test(name)).toSorted()
      for (const name of names.slice(0, MOST_FILES)) known.set(name, await this.#readOne(name))
      if (names.length > MOST_FILES) this.#folderProblems = [tooMany(this.folder, names.length)]
    } catch (error) {
      const what = `the folder of ISOs cannot be read: ${reason(error)}`
      const hint = 'make it, or correct paths.isos in the site file'
      this.#folderProblems = [problem('iso-folder', this.folder, what, hint)]
    }
    this.#known = known
    this.#opened = true
    this.#sayWhatChanged()
    this.#onLook(this)
  }

  /** The folder is read again and again; what stands there as before is not told again. */
  #sayWhatChanged(): void {
    const isos = this.entries().map(({ file }) => file)
    const problems = this.problems()
    // How far a copy is changes each time.
    const words = ({ code, message, place }: Problem): string =>
      `${place?.file} ${code === 'iso-growing' ? code : message}`
    const told = [...isos, ...problems.map(words)].join('\n')
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
      return unusable(problem('iso-name', path, 'the name of this ISO cannot stand in a URL', hint))
    }
    const before = this.#known.get(name)
    const how = { now: this.#clock.now(), settled: this.#opened, ...(before ? { before } : {}) }
    return withNotes(await lookAt(path, name, how), name, path, this.#notes)
  }
}

function fileOf(file: string, path: string, known: Known, ours: Ours | undefined): LibraryFile {
  const { size, read, result, verification } = known
  const entry = isProblem(result) ? read : result
  const doubts = isProblem(entry) ? [] : doubtsAbout(entry, ours)
  return {
    file,
    path,
    size,
    result,
    problems: isProblem(result) ? [result, ...doubts] : doubts,
    ...(isProblem(entry) ? {} : { entry }),
    ...(verification ? { verification } : {}),
  }
}

function tooMany(folder: string, count: number): Problem {
  const message = `the folder has ${count} ISOs, of which the first ${MOST_FILES} by name are used`
  return { ...problem('iso-too-many', folder, message, 'remove those that no profile needs'), severity: 'warning' }
}

/**
 * One image, wherever it is and whatever its name; links are followed. Never rejects.
 * @param options notes about the folder that it is in
 */
export async function inspectFile(
  path: string,
  { notes = notesInMemory(), ours }: Pick<CatalogueOptions, 'notes' | 'ours'> = {},
): Promise<LibraryFile> {
  const file = basename(path)
  const known = await realpath(path).then(
    real => lookAt(real, file, { now: systemClock.now(), settled: false }),
    (error: unknown) => (isMissing(error) ? missing(path) : unreadable(path, error)),
  )
  return fileOf(file, path, await withNotes(known, file, path, notes), ours)
}

/** Opens the library in `folder` and reads it. What is wrong with folder or images is in its problems; it never rejects. */
export async function openCatalogue(folder: string, log: Log, options: CatalogueOptions = {}): Promise<IsoCatalogue> {
  const catalogue = new IsoCatalogue(resolve(folder), log, options)
  await catalogue.rescan()
  return catalogue
}
