/** Numbers of `[disk-setup]`: what ZFS and LVM make of them, which the installer does not look at. */
import { isAtLeast } from './dialect.ts'
import type { AnswerView } from './draft.ts'
import { type AnswerProblem, errorAt, warningAt } from './problems.ts'

const ZFS = ['disk-setup', 'zfs']
const LVM = ['disk-setup', 'lvm']

/** Powers of two that ZFS takes as sector size. */
const ASHIFT = { least: 9, most: 16 }
/** MiB; the installer raises less to it. 0 means no limit. */
const LEAST_ARC = 64

function checkZfs({ draft, target }: AnswerView): AnswerProblem[] {
  const problems: AnswerProblem[] = []
  const { ashift = 12, copies = 1, 'arc-max': arcMax } = draft['disk-setup']?.zfs ?? {}
  if (ashift < ASHIFT.least || ashift > ASHIFT.most) {
    const message = `disk-setup.zfs.ashift is not between ${ASHIFT.least} and ${ASHIFT.most}`
    problems.push(errorAt([...ZFS, 'ashift'], 'wrong-value', message, 'use 12, or 13 for some SSDs'))
  }
  if (copies < 1 || copies > 3) {
    problems.push(errorAt([...ZFS, 'copies'], 'wrong-value', 'disk-setup.zfs.copies is not 1, 2 or 3', 'use 1'))
  }
  const path = [...ZFS, 'arc-max']
  if (arcMax !== undefined && arcMax > 0 && arcMax < LEAST_ARC) {
    const message = `disk-setup.zfs.arc-max becomes ${LEAST_ARC}`
    problems.push(warningAt(path, 'ineffective-key', message, 'it is in MiB'))
  }
  if (arcMax !== undefined && target.product !== 'pve' && !isAtLeast(target.installer, [8, 2, 7])) {
    const message = 'disk-setup.zfs.arc-max has an effect on pve only before 8.2.7'
    problems.push(warningAt(path, 'ineffective-key', message, 'remove it'))
  }
  return problems
}

function checkSwap({ draft, target }: AnswerView): AnswerProblem[] {
  const { hdsize, swapsize } = draft['disk-setup']?.lvm ?? {}
  if (hdsize === undefined || swapsize === undefined || swapsize <= hdsize / 2) return []
  // Installers look at it since 9.0.5.
  const tell = isAtLeast(target.installer, [9, 0, 5]) ? errorAt : warningAt
  const message = 'disk-setup.lvm.swapsize is more than half of hdsize'
  return [tell([...LVM, 'swapsize'], 'conflict', message, `write at most ${hdsize / 2}`)]
}

function checkLvm({ draft, target }: AnswerView): AnswerProblem[] {
  const lvm = draft['disk-setup']?.lvm
  return (['maxroot', 'maxvz'] as const)
    .filter(key => lvm?.[key] !== undefined && target.product !== 'pve')
    .map(key => {
      const message = `disk-setup.lvm.${key} has an effect on pve only`
      return warningAt([...LVM, key], 'ineffective-key', message, 'remove it')
    })
}

/** GiB that an installed system needs, by the schema of Datacenter Manager. */
const LEAST_SIZE = 2

function checkLeast({ draft }: AnswerView): AnswerProblem[] {
  const { zfs, lvm, btrfs } = draft['disk-setup'] ?? {}
  const sizes: [path: string[], size: number | undefined][] = [
    [[...ZFS, 'hdsize'], zfs?.hdsize],
    [[...LVM, 'hdsize'], lvm?.hdsize],
    [[...LVM, 'maxroot'], lvm?.maxroot],
    [['disk-setup', 'btrfs', 'hdsize'], btrfs?.hdsize],
  ]
  return sizes.flatMap(([path, size]) => {
    if (size === undefined || size >= LEAST_SIZE) return []
    const message = `${path.join('.')} is less than ${LEAST_SIZE} GiB`
    return [warningAt(path, 'doubtful-value', message, 'it is in GiB; the system does not fit')]
  })
}

export function checkSizes(view: AnswerView): AnswerProblem[] {
  return [...checkZfs(view), ...checkSwap(view), ...checkLvm(view), ...checkLeast(view)]
}
