/** Whether a descriptor leads to systemd's journal. */
import { fstatSync } from 'node:fs'
import { isStream } from './journal.ts'

export function isJournal(fd: number): boolean {
  const named = process.env['JOURNAL_STREAM']
  if (named === undefined) return false
  try {
    return isStream(named, fstatSync(fd, { bigint: true }))
  } catch {
    return false
  }
}
