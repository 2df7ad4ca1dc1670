/** The answer of one machine of the fleet: what the live path sends and what `check` tries out, from the same values. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Attempt, Machine } from '../machine/lifecycle.ts'
import type { Listing } from '../machine/listing.ts'
import type { Profile, Site } from '../site/types.ts'
import type { AnswerInput } from './answer.ts'
import type { Dialect } from './dialect.ts'
import type { Layers } from './layer.ts'

export type MachineAnswerInput = {
  machine: Pick<Machine, 'macs' | 'serial' | 'uuid' | 'number'>
  listing: Listing
  profile: Profile
  site: Pick<Site, 'name' | 'domain' | 'network'>
  layers: Layers
  /** The address it asks from. */
  address: Ipv4 | undefined
  dialect: Dialect
  product: string
  /** Where the installer reports and fetches, with the tokens of its attempt. */
  urls: { webhook: string; firstBoot: string }
  fingerprint: string
}

/** Names a machine that has none by its MAC, so that an answer without a `fqdn` of its own is still valid. */
export function hostNameFor(listing: Listing, machine: Pick<Machine, 'macs'>): string {
  return listing.name ?? `host-${machine.macs[0]?.replaceAll(':', '') ?? 'unknown'}`
}

/**
 * What the installer tells may make an earlier rule of the site take the machine, with another profile than the one that was booted by the
 * rule before. Half of each would erase disks by mistake. A profile that a person named stays.
 */
export function profileDoubt(listing: Listing, attempt: Pick<Attempt, 'profile' | 'chosen'>): string | undefined {
  const { rule, profile } = listing
  if (rule === undefined || profile === undefined || profile === attempt.profile || attempt.chosen) return undefined
  return `rule ${rule + 1} takes it by what it tells now, and names profile ${profile}, but ${attempt.profile} was booted; the next attempt boots ${profile}`
}

export function answerInputFor(input: MachineAnswerInput): AnswerInput {
  const { machine, listing, profile, site, address } = input
  const name = hostNameFor(listing, machine)
  const mac = machine.macs[0]
  const index = machine.number?.index
  return {
    layers: input.layers,
    profileAnswers: profile.answers,
    machineAnswers: listing.answers,
    macs: machine.macs,
    machine: {
      name,
      fqdn: `${name}.${site.domain}`,
      ...(address ? { address } : {}),
      ...(mac ? { mac } : {}),
      ...(machine.serial ? { serial: machine.serial } : {}),
      ...(machine.uuid ? { uuid: machine.uuid } : {}),
      ...(index === undefined ? {} : { index }),
    },
    site: { name: site.name, domain: site.domain, address: site.network.address },
    dialect: input.dialect,
    product: input.product,
    webhookUrl: input.urls.webhook,
    fingerprint: input.fingerprint,
    ...(profile.firstBoot ? { firstBootUrl: input.urls.firstBoot } : {}),
  }
}
