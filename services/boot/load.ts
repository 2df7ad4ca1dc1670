/** The folder of iPXE binaries, listed once: files are looked up in the listing, never by walking what a client asked for. */
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'

export type LoaderFile = { path: string; size: number }

/** A loader opened for one transfer; a file that is replaced meanwhile is still sent whole from the opened version. */
export type OpenLoader = { size: number; read(offset: number, length: number): Promise<Uint8Array>; close(): Promise<void> }

export type Loaders = {
  files: ReadonlyMap<string, LoaderFile>
  has(name: string): boolean
  openFile(name: string): Promise<OpenLoader | undefined>
}

/** Regular files only; a link counts if it ends at one (Debian's ipxe.efi is a link into /boot). A missing folder is an empty one. */
export async function listLoaders(folder: string): Promise<Loaders> {
  const files = new Map<string, LoaderFile>()
  for (const name of await readdir(folder).catch(() => [])) {
    const path = await realpath(join(folder, name)).catch(() => undefined)
    const about = path === undefined ? undefined : await stat(path).catch(() => undefined)
    if (path !== undefined && about?.isFile()) files.set(name, { path, size: about.size })
  }
  return { files, has: name => files.has(name), openFile: name => openListed(files.get(name)) }
}

async function openListed(loader: LoaderFile | undefined): Promise<OpenLoader | undefined> {
  if (!loader) return undefined
  const file = await open(loader.path, 'r')
  const { size } = await file.stat()
  return {
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)))
      const { bytesRead } = await file.read(bytes, 0, bytes.length, offset)
      return bytes.subarray(0, bytesRead)
    },
    close: () => file.close(),
  }
}
