/** Which machines were told the fingerprint of a certificate and may still come to it: from the boot script to the report. */
import type { Instant } from '../kit/clock.ts'
import type { Machine } from '../machine/lifecycle.ts'

/** Nothing that began before it is still under way. A report may come after the stall alarm, but not after a day of silence. */
export const OVER_AFTER_MS = 24 * 3_600_000

/**
 * Whether its installer may still ask, fetch or report. From its boot script on it may have been told; a report ends it. Whatever else ends an attempt
 * here, an installer that runs does not hear of: where it failed, stalled or was blocked, and where its end is only inferred, a day of silence ends it.
 */
export function mayStillCome({ attempt, state, installed, lastEventAt }: Machine, now: Instant): boolean {
  if (!attempt || state === 'held' || state === 'approved') return false
  if (state === 'installed' && !installed?.inferred) return false
  return now - lastEventAt < OVER_AFTER_MS
}
