/** Whose a file is. A command that root runs must leave nothing behind that the appliance's own user can't read. */
import { chown, stat } from 'node:fs/promises'

/** Only root can give a file away, and only root has to. */
export async function giveToOwnerOf(like: string, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(like)
  await chown(path, uid, gid)
}
