/** The folder of iPXE binaries, listed once: files are looked up in the listing, never by walking what a client asked for. */
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'

export type LoaderFile = { path: string; size: number }

export type Loaders = ReadonlyMap<string, LoaderFile>

/** Regular files only; a link counts if it ends at one (Debian's ipxe.efi is a link into /boot). A missing folder is an empty one. */
export async function listLoaders(folder: string): Promise<Loaders> {
  const files = new Map<string, LoaderFile>()
  for (const name of await readdir(folder).catch(() => [])) {
    const path = await realpath(join(folder, name)).catch(() => undefined)
    const about = path === undefined ? undefined : await stat(path).catch(() => undefined)
    if (path !== undefined && about?.isFile()) files.set(name, { path, size: about.size })
  }
  return files
}
