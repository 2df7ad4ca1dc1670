/** A machine as the boot plan sees it. */
import type { AttemptId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Listing } from '../machine/listing.ts'
import type { Site } from '../site/types.ts'
import type { BootView } from './plan.ts'

/** The attempt whose installer may ask for its answer: from the boot script on until the report (H24). */
export function expectsAnswer(machine: Machine): AttemptId | undefined {
  const { attempt, state } = machine
  return attempt && (state === 'booting' || state === 'installing' || state === 'stalled') ? attempt.id : undefined
}

export function silentReason(
  machine: Machine,
  listing: Listing,
  unknown: Site['boot']['unknown'],
): 'blocked' | 'ignored' | undefined {
  if (machine.state === 'blocked') return 'blocked'
  return unknown === 'ignore' && listing.from === 'nothing' && machine.attempts === 0 ? 'ignored' : undefined
}

export function bootView(
  silent: 'blocked' | 'ignored' | undefined,
  scriptUrl: string,
  answer?: { url: string; fingerprint: string },
): BootView {
  return { scriptUrl, ...(silent ? { silent } : {}), ...(answer ? { answer } : {}) }
}
