/** How many disks a level takes. */
import type { AnswerDraft } from './schema.ts'

/** Fewest disks of each level; raidz-n here follows the installer, which wants more than ZFS itself. */
const FEWEST_DISKS: Record<string, number> = {
  raid0: 1,
  raid1: 2,
  raid10: 4,
  'raidz-1': 3,
  'raidz-2': 4,
  'raidz-3': 5,
}

/** What the level of the answer asks for and that many disks are not; undefined if they will do. */
export function findDiskCountMistake(
  { filesystem = 'ext4', zfs, btrfs }: NonNullable<AnswerDraft['disk-setup']>,
  count: number,
): string | undefined {
  const raid = { zfs, btrfs, ext4: undefined, xfs: undefined }[filesystem]?.raid?.toLowerCase()
  if (raid === undefined) return undefined
  const fewest = FEWEST_DISKS[raid] ?? 1
  if (count < fewest) return `${raid} needs ${fewest} disks`
  return raid === 'raid10' && count % 2 === 1 ? 'raid10 needs an even number of disks' : undefined
}
