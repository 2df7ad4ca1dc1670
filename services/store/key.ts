/** The appliance's one random key, from which the secrets of attempts are derived: made once, readable by its owner only. */
import { randomBytes } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { giveToOwnerOf } from '../kit/ownership.ts'
import { EnvironmentProblem } from '../kit/problem.ts'

export const KEY_FILE = 'secret.key'
const KEY_BYTES = 32
const PRIVATE_MODE = 0o600

/** Reads the key of a state folder, or makes it. Throws EnvironmentProblem `key` when it is damaged. */
export async function loadKey(folder: string): Promise<Uint8Array> {
  const path = join(folder, KEY_FILE)
  const kept = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    // Only a missing key is made: replacing one that can't be read just now would end every attempt that runs.
    if (error.code === 'ENOENT') return undefined
    throw new EnvironmentProblem(
      'key',
      `can't read ${path}: ${error.message}`,
      'make it readable for the user that runs the appliance, and for nobody else',
    )
  })
  if (kept && kept.length !== KEY_BYTES) {
    throw new EnvironmentProblem(
      'key',
      `${path} is damaged: ${kept.length} bytes instead of ${KEY_BYTES}`,
      'restore it from a backup; without it running attempts are lost, so delete it only if there are none',
    )
  }
  if (kept) return kept
  const key = randomBytes(KEY_BYTES)
  const file = await open(`${path}.new`, 'w', PRIVATE_MODE)
  await file.writeFile(key)
  await file.sync()
  await file.close()
  await giveToOwnerOf(folder, `${path}.new`)
  await rename(`${path}.new`, path)
  return key
}
