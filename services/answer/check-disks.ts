/** What the installer demands of `[disk-setup]`: the table that decides which disks are erased. */
import { shown } from '../site/finding.ts'
import { checkFilter } from './check-filter.ts'
import type { AnswerView } from './draft.ts'
import { type AnswerProblem, errorAt, warningAt } from './problems.ts'
import { findDiskCountMistake } from './raid.ts'

const TABLE = 'disk-setup'
const LIST = [TABLE, 'disk-list']

/** Table of options that belongs to each file system. */
const TABLE_OF = { ext4: 'lvm', xfs: 'lvm', zfs: 'zfs', btrfs: 'btrfs' } as const
const OPTION_TABLES = ['lvm', 'zfs', 'btrfs'] as const

function checkTables({ draft, target, isUnknown }: AnswerView): AnswerProblem[] {
  const disks = draft[TABLE]
  if (disks?.filesystem === undefined) return []
  const { filesystem } = disks
  const own = TABLE_OF[filesystem]
  const problems = OPTION_TABLES.filter(table => table !== own && disks[table] !== undefined).map(table => {
    const message = `[disk-setup.${table}] does not go with ${filesystem}`
    return errorAt([TABLE, table], 'conflict', message, 'remove it, or name one disk layout only')
  })
  if (own !== 'lvm' && disks[own]?.raid === undefined && !isUnknown(`disk-setup.${own}.raid`)) {
    const hint = 'set it; "raid0" is right for one disk'
    problems.push(errorAt([TABLE, own], 'missing-key', `disk-setup.${own}.raid is missing`, hint))
  }
  if (filesystem === 'btrfs' && target.product !== 'pve') {
    const message = `btrfs is not offered for ${target.product}`
    problems.push(errorAt([TABLE, 'filesystem'], 'wrong-value', message, 'choose ext4, xfs or zfs'))
  }
  return problems
}

/** Kernel names of whole disks, and of their partitions. */
const DISK = /^(?:(?:sd|vd|xvd|hd|dasd)[a-z]+|nvme\d+(?:c\d+)?n\d+|mmcblk\d+|pmem\d+)$/
const PARTITION = /^(?:(?:sd|vd|xvd|hd|dasd)[a-z]+\d+|(?:nvme\d+(?:c\d+)?n\d+|mmcblk\d+|pmem\d+)p\d+)$/

function checkEntry(disk: string, index: number): AnswerProblem[] {
  const path = [...LIST, index]
  const name = disk.replace(/^\/dev\//, '')
  if (name === '')
    return [errorAt(path, 'wrong-value', 'disk-setup.disk-list has an empty entry', 'it would match every disk')]
  // Entries are compared with the end of kernel names such as /dev/sda; links below /dev/disk never match.
  const mistake = name.includes('/') ? '' : PARTITION.test(name) ? ': it is a partition' : undefined
  if (mistake !== undefined) {
    const hint = 'use the kernel name of a whole disk, or a filter on ID_SERIAL'
    return [errorAt(path, 'wrong-value', `disk-setup.disk-list: ${shown(disk)} never matches${mistake}`, hint)]
  }
  if (DISK.test(name)) return []
  const message = `disk-setup.disk-list: ${shown(disk)} is not the kernel name of a disk`
  const hint = 'write one such as "sda" or "nvme0n1"; it is compared with the end of the names'
  return [warningAt(path, 'doubtful-value', message, hint)]
}

function checkList({ draft }: AnswerView): AnswerProblem[] {
  const { filesystem, 'disk-list': list = [] } = draft[TABLE] ?? {}
  const names = list.map(disk => disk.replace(/^\/dev\//, ''))
  const twice = names.flatMap((name, index) => {
    const message = `disk-setup.disk-list has ${shown(name)} twice`
    return names.indexOf(name) === index ? [] : [errorAt([...LIST, index], 'duplicate-value', message, 'remove one')]
  })
  const isSingle = filesystem !== undefined && TABLE_OF[filesystem] === 'lvm'
  const message = `${filesystem} takes one disk, disk-setup.disk-list has ${list.length}`
  const many = isSingle && list.length > 1 ? [errorAt(LIST, 'conflict', message, 'keep one')] : []
  return [...list.flatMap(checkEntry), ...twice, ...many]
}

/** Installers tell before partitioning since 9.0.5, and an odd number since 9.2.6; older ones fail in the middle of it. */
function checkCount({ draft, isUnknown }: AnswerView): AnswerProblem[] {
  const disks = draft[TABLE] ?? {}
  const count = disks['disk-list']?.length ?? 0
  if (count === 0 || isUnknown('disk-setup.disk-list')) return []
  const mistake = findDiskCountMistake(disks, count)
  const hint = 'add or remove disks, or choose another level'
  return mistake === undefined ? [] : [errorAt(LIST, 'conflict', `${mistake}, disk-setup.disk-list has ${count}`, hint)]
}

function checkSelection({ draft, isUnknown }: AnswerView): AnswerProblem[] {
  const { 'disk-list': list, filter } = draft[TABLE] ?? {}
  const isListed = (list ?? []).length > 0
  const isFiltered = Object.keys(filter ?? {}).length > 0
  const hint = 'name the disks in exactly one way'
  if (isListed && isFiltered) {
    return [errorAt([TABLE, 'filter'], 'conflict', 'disk-setup has both of disk-list and filter', hint)]
  }
  const isOpen = isUnknown('disk-setup.disk-list') || isUnknown('disk-setup.filter')
  if (isListed || isFiltered || !draft[TABLE] || isOpen) return []
  return [errorAt([TABLE], 'missing-key', 'disk-setup has neither of disk-list and filter', hint)]
}

/** Properties that every disk has; with "all", one that a disk does not have counts as matching. */
const EVERYWHERE = ['DEVNAME', 'DEVPATH', 'DEVTYPE', 'MAJOR', 'MINOR', 'SUBSYSTEM']

function checkAbsence({ draft }: AnswerView): AnswerProblem[] {
  const { filesystem, filter = {}, 'filter-match': match } = draft[TABLE] ?? {}
  const properties = Object.keys(filter)
  const isMany = filesystem === 'zfs' || filesystem === 'btrfs'
  if (!isMany || match !== 'all' || properties.length === 0) return []
  if (properties.some(property => EVERYWHERE.includes(property))) return []
  const message = 'with filter-match = "all" a disk that has none of these properties is erased as well'
  const hint = 'ask about one that every disk has, too, as DEVNAME = "/dev/nvme*"; see `rackrise machine devices`'
  return [warningAt([TABLE, 'filter'], 'doubtful-value', message, hint)]
}

function checkMatch({ draft, isUnknown }: AnswerView): AnswerProblem[] {
  const { filesystem, filter = {}, 'filter-match': match } = draft[TABLE] ?? {}
  const path = [TABLE, 'filter-match']
  const entries = Object.keys(filter).length
  if (filesystem === undefined) return []
  if (match !== undefined && entries === 0 && !isUnknown('disk-setup.filter')) {
    return [warningAt(path, 'ineffective-key', 'disk-setup.filter-match has no effect without a filter', 'remove it')]
  }
  const isSingle = TABLE_OF[filesystem] === 'lvm'
  if (match === 'all' && isSingle) {
    const message = `disk-setup.filter-match = "all" is ignored for ${filesystem}`
    const hint = 'the first disk that matches any entry is erased; use one entry that is precise'
    // With several entries another disk is erased than the one that was meant.
    return [entries > 1 ? errorAt(path, 'conflict', message, hint) : warningAt(path, 'ineffective-key', message, hint)]
  }
  if (match !== undefined || entries < 2 || isUnknown('disk-setup.filter-match')) return []
  const which = isSingle ? 'the first disk that matches' : 'every disk that matches'
  const message = `disk-setup.filter has ${entries} entries: ${which} any one of them is erased`
  const hint = isSingle
    ? 'use one entry that is precise, or say filter-match = "any"'
    : 'say filter-match = "all" or "any"'
  return [warningAt([TABLE, 'filter'], 'doubtful-value', message, hint)]
}

export function checkDisks(view: AnswerView): AnswerProblem[] {
  const { filter = {} } = view.draft[TABLE] ?? {}
  return [
    ...checkTables(view),
    ...checkSelection(view),
    ...checkList(view),
    ...checkCount(view),
    ...checkMatch(view),
    ...checkAbsence(view),
    ...checkFilter(TABLE, filter),
  ]
}
