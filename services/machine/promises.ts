/**
 * What machines in an attempt were promised, and whether another site file would break it. From its boot script on, kernel, initrd, answer and first-boot
 * script are fetched one after the other, each by the site of that moment: with another profile in between, a machine would boot one ISO and be answered for
 * another, and its disks are erased meanwhile. Pure.
 */
import { type Ipv4, prefixContains, rangeContains } from '../kit/ipv4.ts'
import { changedValues } from '../site/changes.ts'
import type { ChangedSetting } from '../site/settings.ts'
import type { Site } from '../site/types.ts'
import type { Attempt, Machine } from './lifecycle.ts'
import { type Listing, listingOf, otherClaimOn } from './listing.ts'
import { sitePlanOf } from './site-plan.ts'

export type BrokenPromise = { machine: Machine; name: string; keys: ChangedSetting[] }

/** Every machine in an attempt whose plan the next site would change, and how. */
export function brokenPromises(before: Site, after: Site, machines: readonly Machine[]): BrokenPromise[] {
  return machines.flatMap(machine => {
    const { attempt } = machine
    if (!attempt) return []
    const [was, is] = [listingOf(machine, before), listingOf(machine, after)]
    const keys = brokenKeys({ machine, attempt, was, is }, before, after)
    return keys.length === 0 ? [] : [{ machine, name: was.name ?? is.name ?? machine.id, keys }]
  })
}

type InAttempt = { machine: Machine; attempt: Attempt; was: Listing; is: Listing }

function brokenKeys({ machine, attempt, was, is }: InAttempt, before: Site, after: Site): ChangedSetting[] {
  switch (machine.state) {
    case 'approved':
      return brokenBeforeBoot({ machine, attempt, was, is }, before, after)
    case 'booting':
    case 'installing':
    case 'stalled':
      return [
        ...changedValues(sitePlanOf(was, before, attempt.profile), planInAttempt(is, after, attempt)),
        ...takenAddress(machine, before, after),
      ]
    default:
      return []
  }
}

/** Where the profile is gone nothing else of it need be told. */
function planInAttempt(listing: Listing, site: Site, { profile }: Attempt): ReturnType<typeof sitePlanOf> {
  return sitePlanOf(listing, site, site.profiles.has(profile) ? profile : undefined)
}

/**
 * An approved machine was told nothing yet: its next boot takes what the file says then. But it was approved as what it is by the file, with the profile that
 * its attempt is of; with another one it would be installed with half of each.
 */
function brokenBeforeBoot({ attempt, was, is }: InAttempt, before: Site, after: Site): ChangedSetting[] {
  const { profile, chosen } = attempt
  const isGone = before.profiles.has(profile) && !after.profiles.has(profile)
  const names = (listing: Listing): boolean => listing.profile !== undefined && listing.profile !== profile
  const isOther = !chosen && !names(was) && (names(is) || (was.profile !== undefined && is.profile === undefined))
  if (!isGone && !isOther) return []
  return [{ key: 'profile', before: profile, ...(is.profile && !isGone ? { after: is.profile } : {}) }]
}

/** A renewal would be refused, and what the installer fetches and reports comes from nobody's address then. */
function takenAddress(machine: Machine, before: Site, after: Site): ChangedSetting[] {
  const { address } = machine
  if (!address || !mayKeep(machine, address, before) || mayKeep(machine, address, after)) return []
  return [{ key: 'lease', before: address }]
}

/** Whether DHCP would let it keep this address, as far as the site says. */
function mayKeep(machine: Machine, address: Ipv4, site: Site): boolean {
  if (site.dhcp.mode !== 'server') return true
  const subnet = site.dhcp.subnets.find(({ prefix }) => prefixContains(prefix, address))
  if (!subnet || otherClaimOn(address, machine, site)) return false
  return listingOf(machine, site).address === address || subnet.pools.some(pool => rangeContains(pool, address))
}

const HINTS = {
  approved: 'put that back, or block it, reload, then approve it again',
  booting: 'wait for the end of its installation, or block it first',
  installing: 'wait for the end of its installation, or block it first',
  stalled: 'block it, reload, then approve it again',
} as const

/** In one line: who, and what would be otherwise. */
export function describeBroken({ machine, name, keys }: BrokenPromise): { message: string; hint: string } {
  const words = keys.map(({ key, before = 'none', after = 'none' }) => `${key} ${before} would become ${after}`)
  const { state } = machine
  return {
    message: `${name} is ${state} with attempt ${machine.attempt!.id}, and this file would change it: ${words.join('; ')}`,
    hint: `${HINTS[state as keyof typeof HINTS]} (\`rackrise machine block ${name}\`)`,
  }
}
