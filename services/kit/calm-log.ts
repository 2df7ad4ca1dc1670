/** A log that a flood of datagrams can't flood: so many lines of one reason in a while, the rest at debug level. */
import type { Clock } from './clock.ts'
import type { Log, LogFields } from './log.ts'

/** Enough to see every machine of a rack that has the same trouble; a thousandth of what a flood brings. */
export const LINES_MOST = 50
export const WHILE_MS = 60_000

type Count = { since: number; lines: number }

/** Lines are told apart by their `reason` field; lines without one are never held back. */
export function calmLog(log: Log, clock: Pick<Clock, 'elapsed'>, linesMost: number = LINES_MOST): Log {
  const counts = new Map<string, Count>()
  const isOver = (fields: LogFields): boolean => {
    const { reason } = fields
    if (typeof reason !== 'string') return false
    const now = clock.elapsed()
    const count = counts.get(reason)
    if (!count || now - count.since >= WHILE_MS) {
      counts.set(reason, { since: now, lines: 1 })
      return false
    }
    count.lines += 1
    return count.lines > linesMost
  }
  const calm = (level: 'info' | 'warn' | 'error') => (fields: LogFields, message: string) =>
    isOver(fields) ? log.debug(fields, message) : log[level](fields, message)
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: calm('info'),
    warn: calm('warn'),
    error: calm('error'),
  }
}
