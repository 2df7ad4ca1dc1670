/** What tells whether the files that `check` reads are still the same ones: names, sizes, times. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Site } from '../../site/types.ts'

/** More files than a folder of layers may have are not looked at. */
const FILES_MOST = 10_000

async function stampOfFile(path: string): Promise<string> {
  return stat(path).then(
    ({ ino, size, mtimeMs, ctimeMs }) => `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`,
    () => `${path} -`,
  )
}

async function stampOfFolder(folder: string): Promise<string> {
  const names: string[] = await readdir(folder).catch(() => [])
  return (
    await Promise.all(
      [
        folder,
        ...names
          .toSorted()
          .slice(0, FILES_MOST)
          .map(name => join(folder, name)),
      ].map(stampOfFile),
    )
  ).join('\n')
}

export async function stampOf({ file, paths, boot }: Pick<Site, 'file' | 'paths' | 'boot'>): Promise<string> {
  const folders = [paths.answers, join(paths.answers, 'answers'), paths.isos, boot.loaders]
  return (await Promise.all([stampOfFile(file), ...folders.map(stampOfFolder)])).join('\n')
}
