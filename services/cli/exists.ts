/** Whether a path leads to anything that this user may see. */
import { stat } from 'node:fs/promises'

export function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
