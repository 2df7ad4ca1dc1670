/** Keeps the catalogue in step with its folder: looks when the kernel tells of a change, and now and then anyway. */
import { watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Clock } from '../kit/clock.ts'
import type { IsoCatalogue } from './catalogue.ts'

/** A file that is being copied changes without end, so that looks have to have a distance. */
export const SOON_MS = 1_000
/** File servers tell of no changes that others make. */
const RARELY_MS = 30_000

export type FolderWatch = {
  /** Undefined where the folder cannot be watched; `onChange` is then never called. */
  open(folder: string, onChange: () => void): (() => void) | undefined
  /** What tells whether a folder is still the same one; undefined if it is not there. */
  identify(folder: string): Promise<number | undefined>
}

const inotify: FolderWatch = {
  open(folder, onChange) {
    try {
      const watcher = watch(folder, { persistent: false }, onChange)
      // The folder is gone, which the next look tells.
      watcher.on('error', onChange)
      return () => watcher.close()
    } catch {
      // Not there, or too many watches: the looks now and then remain.
      return undefined
    }
  },
  identify: folder =>
    stat(folder).then(
      ({ ino }) => ino,
      () => undefined,
    ),
}

export class LibraryWatch {
  readonly #catalogue: IsoCatalogue
  readonly #clock: Clock
  readonly #onFailure: (error: unknown) => void
  readonly #watch: FolderWatch
  readonly #stopping = new AbortController()
  #close: (() => void) | undefined
  #watched: number | undefined
  #cancel: () => void = () => {}
  #waitMs = 0
  #changed = false
  #looking: Promise<void> | undefined
  #measuring: Promise<void> = Promise.resolve()
  #isMeasuring = false

  constructor(catalogue: IsoCatalogue, clock: Clock, onFailure: (error: unknown) => void, watcher = inotify) {
    this.#catalogue = catalogue
    this.#clock = clock
    this.#onFailure = onFailure
    this.#watch = watcher
  }

  /** Begins with a look, so that what came since the library was opened is seen. */
  start(): void {
    this.#lookIn(0)
  }

  /** Resolves when a look and a measurement that are under way have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#cancel()
    this.#close?.()
    await this.#looking
    await this.#measuring
  }

  #lookIn(ms: number): void {
    if (this.#stopping.signal.aborted) return
    this.#cancel()
    this.#waitMs = ms
    this.#cancel = this.#clock.after(ms, () => {
      this.#looking = this.#look()
    })
  }

  readonly #onChange = (): void => {
    // A look that is under way may have missed it.
    if (this.#looking) this.#changed = true
    else if (this.#waitMs > SOON_MS) this.#lookIn(SOON_MS)
  }

  async #look(): Promise<void> {
    this.#changed = false
    try {
      await this.#follow()
      await this.#catalogue.rescan()
      this.#measure()
    } catch (error) {
      this.#onFailure(error)
    }
    this.#looking = undefined
    this.#lookIn(this.#changed || this.#catalogue.isSettling() ? SOON_MS : RARELY_MS)
  }

  /** The folder may have been made, or replaced, since. */
  async #follow(): Promise<void> {
    const { folder } = this.#catalogue
    const there = await this.#watch.identify(folder)
    if (there === this.#watched && this.#close) return
    this.#close?.()
    this.#watched = there
    this.#close = there === undefined ? undefined : this.#watch.open(folder, this.#onChange)
  }

  /** One image at a time, beside everything else. */
  #measure(): void {
    if (this.#isMeasuring || this.#stopping.signal.aborted) return
    this.#isMeasuring = true
    this.#measuring = this.#measureAll().finally(() => (this.#isMeasuring = false))
  }

  async #measureAll(): Promise<void> {
    const { signal } = this.#stopping
    try {
      while (!signal.aborted && (await this.#catalogue.measureNext(signal)));
    } catch (error) {
      this.#onFailure(error)
    }
  }
}
