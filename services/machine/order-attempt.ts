/** An attempt as it is ordered, or why there is none. Pure. */
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import type { AttemptId, Fact, MachineEvent } from './event.ts'
import { advance, type Machine } from './lifecycle.ts'
import { type Listing, profileFor } from './listing.ts'

export type AttemptOrder = { by: 'operator' | 'site'; again: boolean; profile?: string; reason?: string; who?: string }

type AttemptStarted = Extract<Fact, { type: 'attempt-started' }>

function noProfile(profile: string | undefined, title: string, { profiles }: Pick<Site, 'profiles'>): Problem {
  const names = [...profiles.keys()].join(', ') || 'none'
  return {
    code: 'no-profile',
    message: profile ? `there is no profile "${profile}"` : `${title} has no profile in the site file`,
    hint: `choose one with --profile (defined: ${names}), or list the machine`,
    severity: 'error',
  }
}

/** The lifecycle has the last word. */
export function orderAttempt(
  { machine, listing }: { machine: Machine; listing: Listing },
  order: AttemptOrder,
  { attempt, at, site }: { attempt: AttemptId; at: number; site: Pick<Site, 'profiles'> },
): AttemptStarted | Problem {
  const profile = order.profile ?? profileFor(listing, site)
  if (!profile || !site.profiles.has(profile)) return noProfile(profile, listing.name ?? machine.id, site)
  const { by, again, reason, who } = order
  const fact: AttemptStarted = {
    type: 'attempt-started',
    ...{ attempt, by, again, profile },
    ...(order.profile ? { chosen: true } : {}),
    ...(reason ? { reason } : {}),
    ...(who ? { who } : {}),
  }
  return refusalOf(machine, { ...fact, at, source: by }) ?? fact
}

function refusalOf(machine: Machine, event: MachineEvent): Problem | undefined {
  const refusal = advance(machine, event).anomaly
  if (!refusal) return undefined
  return {
    code: 'not-approvable',
    message: refusal,
    hint: 'see `rackrise machine show` for its state',
    severity: 'error',
  }
}

const NO_ATTEMPT = '00000000' as AttemptId

/** Why its state lets no attempt begin by that word, whatever it would install. */
export function attemptRefused(machine: Machine, again: boolean): Problem | undefined {
  const order = { by: 'operator', again, profile: '' } as const
  return refusalOf(machine, { type: 'attempt-started', attempt: NO_ATTEMPT, ...order, at: 0, source: 'operator' })
}
