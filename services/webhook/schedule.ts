/** When a message is tried again, and when no more. */
import type { Instant } from '../kit/clock.ts'

const FIRST_WAIT_MS = 5_000
const LONGEST_WAIT_MS = 15 * 60_000
/** A message that nobody took for three days is of no use to anybody. */
const GIVE_UP_AFTER_MS = 3 * 24 * 3_600_000
/** What was given up can be sent again by hand for so long. */
export const FORGET_AFTER_MS = 30 * 24 * 3_600_000
/** Of one target, the oldest go first. A rack of a thousand machines that is installed ten times. */
export const ROWS_MOST = 10_000
/** A target that has taken nothing for so long is an alarm. */
export const FAILING_AFTER_MS = 15 * 60_000

/**
 * How long to wait after so many tries (1 or more) that failed: 5 s, 10 s, 20 s and so on to a quarter of an hour, each shortened by up to half, so that
 * what failed together does not come back together.
 * @param chance in [0, 1)
 */
export function waitAfter(tries: number, chance: number): number {
  const whole = Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), LONGEST_WAIT_MS)
  return Math.round(whole * (1 - chance / 2))
}

/** A target may ask to be left alone for so long, and no longer: what is told a day late is told to nobody. */
const LONGEST_ASKED_MS = 3_600_000

/**
 * Milliseconds that `Retry-After` asks for (RFC 9110 §10.2.3): seconds, or an instant in the future. Undefined for what is neither.
 */
export function readRetryAfter(header: string | undefined, now: Instant): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  const isSeconds = /^\d{1,9}$/.test(text)
  // Other forms of a date than the one that names its zone are read by nobody alike.
  const asked = isSeconds ? Number(text) * 1000 : text.endsWith('GMT') ? Date.parse(text) - now : Number.NaN
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(asked, 0), LONGEST_ASKED_MS)
}

export function isTooOld(createdAt: Instant, now: Instant): boolean {
  return now - createdAt >= GIVE_UP_AFTER_MS
}
