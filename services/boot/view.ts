/** A machine as the boot plan sees it. */
import type { AttemptId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Listing } from '../machine/listing.ts'
import type { LoaderKind, Site } from '../site/types.ts'
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

/** What its firmware loads: the word of its own entry or rule, of the profile that it installs or would install, of the site. */
export function loaderKindOf(
  machine: Machine,
  { loader, profile }: Pick<Listing, 'loader' | 'profile'>,
  site: Pick<Site, 'profiles' | 'boot'>,
): LoaderKind {
  const chosen = site.profiles.get(machine.attempt?.profile ?? profile ?? '')
  return loader ?? chosen?.loader ?? site.boot.loader
}

export function bootView(
  silent: 'blocked' | 'ignored' | undefined,
  scriptUrl: string,
  answer?: { url: string; fingerprint: string },
): BootView {
  return { scriptUrl, ...(silent ? { silent } : {}), ...(answer ? { answer } : {}) }
}
