/** Loaders in memory, shared by all transfers: a rack that is switched on asks forty times for the same megabyte. */

/** Loaders are 70 kB to 4 MB; what is larger is read while it is sent. */
export const LARGEST_LOADER_BYTES = 8 * 1024 * 1024
const MOST_BYTES = 32 * 1024 * 1024

type Kept = { version: string; size: number; bytes: Promise<Uint8Array | undefined> }

/** Whole files by path, in one version each. A file that changes is another version and is read anew. */
export class LoaderMemory {
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>()
  readonly #most: number
  #size = 0

  constructor(most = MOST_BYTES) {
    this.#most = most
  }

  /** Octets that are held. */
  get size(): number {
    return this.#size
  }

  /**
   * The octets of that version of the file, read by `load` if nobody has them yet; several who ask at once wait for one reading. Undefined when
   * `load` says that the file was no longer that version. Rejects as `load` does; nothing is kept then.
   */
  async take(
    path: string,
    version: string,
    size: number,
    load: () => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> {
    const before = this.#kept.get(path)
    if (before?.version === version) {
      this.#kept.delete(path)
      this.#kept.set(path, before)
      return before.bytes
    }
    this.#drop(path)
    const kept: Kept = { version, size, bytes: load() }
    this.#kept.set(path, kept)
    this.#size += size
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.#most || oldest === path) break
      this.#drop(oldest)
    }
    const bytes = await kept.bytes.catch((error: unknown) => {
      this.#forget(path, kept)
      throw error
    })
    if (!bytes) this.#forget(path, kept)
    return bytes
  }

  #forget(path: string, kept: Kept): void {
    if (this.#kept.get(path) === kept) this.#drop(path)
  }

  #drop(path: string): void {
    this.#size -= this.#kept.get(path)?.size ?? 0
    this.#kept.delete(path)
  }
}
