/** The state folder: whose it is, and how much room its disk has. */
import { formatSize } from '../../kit/amount.ts'
import type { Problem } from '../../kit/problem.ts'
import type { Damage } from '../../store/damage.ts'
import { type Finding, finding } from '../finding.ts'

export type StateFacts = {
  /** Permission bits. */
  mode: number
  freeBytes: number
  /** What is wrong with the database, if anything. */
  damage?: Damage
}

/** What `check` says of it: that the disk is full, or nearly. Nothing where this machine has no such folder: it may be of another one. */
export function checkRoom(facts: StateFacts | undefined, folder: string): Problem[] {
  return (facts ? roomFindings(facts, folder) : []).map(({ code, message, hint }) => ({
    ...({ code, message, hint, severity: 'warning' } as const),
  }))
}

const NEARLY_FULL_BYTES = 1024 ** 3
const FULL_BYTES = 64 * 1024 ** 2
/** What group and others may do. */
const OTHERS = 0o077

function roomFindings({ freeBytes }: StateFacts, folder: string): Finding[] {
  const left = `the disk of ${folder} has ${formatSize(freeBytes)} left`
  if (freeBytes < FULL_BYTES) return [finding('disk-full', left)]
  return freeBytes < NEARLY_FULL_BYTES ? [finding('disk-nearly-full', left)] : []
}

/** @param facts undefined where there is no such folder */
export function judgeState(facts: StateFacts | undefined, folder: string): Finding[] {
  if (!facts) return [finding('state-missing', `${folder} is not there yet`)]
  const { mode, freeBytes, damage } = facts
  const open = `others may look into ${folder} (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`
  const doubts = [
    ...((mode & OTHERS) === 0
      ? []
      : [finding('state-open', open, { hint: `make it its owner’s alone: \`chmod 0700 ${folder}\`` })]),
    ...(damage ? [finding('state-damaged', `the database in ${folder} ${damage.is}`, { hint: damage.hint })] : []),
    ...roomFindings(facts, folder),
  ]
  return doubts.length > 0
    ? doubts
    : [finding('state-fine', `${folder} is private, and ${formatSize(freeBytes)} are left`)]
}
