/** Whether the disk of a database has room for a copy of it and for what migrations write. */
import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { formatSize } from '../kit/amount.ts'

/** Beside the copy: for what the migrations and the first leases write. */
const SPARE_BYTES = 64 * 1024 ** 2
/** The copy and the journal of its making, the log of writes and its index. */
const FILES_NEEDED = 4

/** What is left of a disk: octets, and files that can be made. */
export type Room = { bytes: number; files: number }

export async function roomOf(folder: string): Promise<Room> {
  const { bavail, bsize, files, ffree } = await statfs(folder)
  // Some file systems make room for a file when it is made, and count none.
  return { bytes: bavail * bsize, files: files === 0 ? Infinity : ffree }
}

/** Octets of a file; none of one that is not there. */
export async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  )
}

/** In words what is lacking; undefined if nothing is. @param look at the room of a folder */
export async function lackOf(file: string, look: typeof roomOf): Promise<string | undefined> {
  const folder = dirname(file)
  const needed = (await sizeOf(file)) + (await sizeOf(`${file}-wal`)) + SPARE_BYTES
  const { bytes, files } = await look(folder)
  if (bytes < needed) return `the disk of ${folder} has ${formatSize(bytes)} left, and ${formatSize(needed)} are needed`
  if (files < FILES_NEEDED)
    return `the disk of ${folder} has room for ${files} more files (see df -i), and ${FILES_NEEDED} are needed`
  return undefined
}
