/** Reads a file that holds a secret, if nobody else can: the mode is that of the very file that is read, each time it is read (M05). */
import { open } from 'node:fs/promises'
import { judgeFile } from './secret-files.ts'

/** Rejects with what is wrong, in words: it is not there, it is no file, or others may read or write it. */
export async function readSecret(file: string): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const found = await handle.stat()
    const state = { isFile: found.isFile(), mode: found.mode, size: found.size, uid: found.uid }
    const [finding] = judgeFile({ path: [], file, isSecret: true }, state)
    if (finding) throw new Error(`${finding.message}; ${finding.hint}`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}
