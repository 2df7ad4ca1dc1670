/** What the installer demands of `[disk-setup]`: the table that decides which disks are erased. */
import type { AnswerTarget } from './dialect.ts'
import type { Problem } from '../kit/problem.ts'
import { checkFilter } from './check-network.ts'
import { answerError, answerWarning } from './problems.ts'
import { findDiskCountMistake } from './raid.ts'
import type { DiskSetup } from './schema.ts'

function wrong(message: string, hint: string): Problem {
  return answerError('wrong-value', message, hint)
}

/** Table of options that belongs to each file system. */
const TABLE_OF = { ext4: 'lvm', xfs: 'lvm', zfs: 'zfs', btrfs: 'btrfs' } as const
const OPTION_TABLES = ['lvm', 'zfs', 'btrfs'] as const

function isSingleDisk(disks: DiskSetup): boolean {
  return TABLE_OF[disks.filesystem] === 'lvm'
}

function checkTables(disks: DiskSetup, target: AnswerTarget): Problem[] {
  const own = TABLE_OF[disks.filesystem]
  const problems = OPTION_TABLES.filter(table => table !== own && disks[table] !== undefined).map(table =>
    wrong(`[disk-setup.${table}] does not go with ${disks.filesystem}`, 'remove it, or name one disk layout only'),
  )
  if (own !== 'lvm' && disks[own]?.raid === undefined) {
    const hint = 'set it; "raid0" is right for one disk'
    problems.push(answerError('missing-key', `disk-setup.${own}.raid is missing`, hint))
  }
  if (disks.filesystem === 'btrfs' && target.product !== 'pve') {
    problems.push(wrong(`btrfs is not offered for ${target.product}`, 'choose ext4, xfs or zfs'))
  }
  return problems
}

function checkList(disks: DiskSetup, list: readonly string[]): Problem[] {
  const problems: Problem[] = []
  if (isSingleDisk(disks) && list.length > 1) {
    problems.push(wrong(`${disks.filesystem} takes one disk, disk-setup.disk-list has ${list.length}`, 'keep one'))
  }
  const seen = new Set<string>()
  for (const disk of list) {
    const name = disk.replace(/^\/dev\//, '')
    if (name === '') problems.push(wrong('disk-setup.disk-list has an empty entry', 'it would match every disk'))
    // Entries are compared with the end of kernel names such as /dev/sda; links below /dev/disk never match.
    else if (name.includes('/')) {
      problems.push(wrong(`disk-setup.disk-list: ${disk} never matches`, 'use a kernel name, or a filter on ID_SERIAL'))
    }
    if (seen.has(name)) problems.push(wrong(`disk-setup.disk-list has ${name} twice`, 'remove one'))
    seen.add(name)
  }
  return [...problems, ...checkCount(disks, list.length)]
}

function checkCount(disks: DiskSetup, count: number): Problem[] {
  const mistake = findDiskCountMistake(disks, count)
  return mistake === undefined ? [] : [wrong(`${mistake}, disk-setup.disk-list has ${count}`, 'add or remove disks')]
}

function checkSelection(disks: DiskSetup): Problem[] {
  const list = disks['disk-list'] ?? []
  const filter = disks.filter ?? {}
  const isFiltered = Object.keys(filter).length > 0
  if (list.length > 0 === isFiltered) {
    const found = isFiltered ? 'both' : 'neither'
    return [wrong(`disk-setup has ${found} of disk-list and filter`, 'name the disks in exactly one way')]
  }
  if (!isFiltered) return checkList(disks, list)
  const problems = checkFilter('disk-setup.filter', filter)
  if (isSingleDisk(disks) && disks['filter-match'] === 'all') {
    const message = `disk-setup.filter-match = "all" is ignored for ${disks.filesystem}`
    const hint = 'the first disk that matches any entry is erased; use one entry that is precise'
    problems.push(answerWarning('ineffective-key', message, hint))
  }
  return problems
}

/** Powers of two that ZFS takes as sector size. */
const ASHIFT = { least: 9, most: 16 }
/** MiB; the installer raises less to it. 0 means no limit. */
const LEAST_ARC = 64

function checkZfs({ zfs }: DiskSetup): Problem[] {
  const problems: Problem[] = []
  const { ashift = 12, copies = 1, 'arc-max': arcMax = 0 } = zfs ?? {}
  if (ashift < ASHIFT.least || ashift > ASHIFT.most) {
    problems.push(wrong('disk-setup.zfs.ashift is not between 9 and 16', 'use 12, or 13 for some SSDs'))
  }
  if (copies < 1 || copies > 3) problems.push(wrong('disk-setup.zfs.copies is not 1, 2 or 3', 'use 1'))
  if (arcMax > 0 && arcMax < LEAST_ARC) {
    problems.push(answerWarning('ineffective-key', `disk-setup.zfs.arc-max becomes ${LEAST_ARC}`, 'it is in MiB'))
  }
  return problems
}

function checkLvm({ lvm }: DiskSetup, target: AnswerTarget): Problem[] {
  const problems: Problem[] = []
  const { hdsize, swapsize } = lvm ?? {}
  if (hdsize !== undefined && swapsize !== undefined && swapsize > hdsize / 2) {
    problems.push(wrong('disk-setup.lvm.swapsize is more than half of hdsize', 'make it smaller'))
  }
  for (const key of ['maxroot', 'maxvz'] as const) {
    if (lvm?.[key] !== undefined && target.product !== 'pve') {
      problems.push(answerWarning('ineffective-key', `disk-setup.lvm.${key} has an effect on pve only`, 'remove it'))
    }
  }
  return problems
}

export function checkDisks(disks: DiskSetup, target: AnswerTarget): Problem[] {
  return [...checkTables(disks, target), ...checkSelection(disks), ...checkZfs(disks), ...checkLvm(disks, target)]
}
