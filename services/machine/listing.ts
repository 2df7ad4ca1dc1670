/** What the site says about a machine: its name, profile, reservation and layers, from its own entry or the first rule that fits. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import { type Condition, type Judgement, judgeCondition } from '../site/condition.ts'
import type { ExtraOption, ListedMachine, LoaderKind, Reservation, Rule, Site } from '../site/types.ts'
import { type Facts, factsOf } from './facts.ts'
import type { Machine } from './lifecycle.ts'

export type Listing = {
  from: 'machine' | 'rule' | 'nothing'
  /** Which rule, counted from 0. */
  rule?: number
  /** Short host name. */
  name?: string
  fqdn?: string
  profile?: string
  answers: string[]
  approve: boolean
  /** Where its entry or rule says so; else that of the profile. */
  loader?: LoaderKind
  /** Reserved for it: by the site, or since its installed system has it as static address. */
  address?: Ipv4
  /** DHCP options of its own. */
  options: ExtraOption[]
  /** Expected by the site; a machine that says otherwise gets no answer. */
  serial?: string
  uuid?: string
  /** The series whose number the machine should have, where a rule names machines by number. */
  series?: string
}

/** Why a rule takes a machine or does not: the first of its conditions that does not hold, and what the machine told. */
export type Verdict =
  | { fits: true }
  | { fits: false; condition: Condition; because: Exclude<Judgement, 'fits'>; seen: readonly string[] }

export function judgeRule(rule: Pick<Rule, 'when'>, facts: Facts): Verdict {
  for (const condition of rule.when) {
    const seen = facts.get(condition.fact) ?? []
    const because = judgeCondition(condition, seen)
    if (because !== 'fits') return { fits: false, condition, because, seen }
  }
  return { fits: true }
}

function fromEntry(entry: ListedMachine, domain: string): Listing {
  const { name, profile, answers, approve, options, serial, uuid, loader } = entry
  return {
    from: 'machine',
    name,
    fqdn: `${name}.${domain}`,
    profile,
    answers,
    approve,
    options,
    ...(serial ? { serial } : {}),
    ...(uuid ? { uuid } : {}),
    ...(loader ? { loader } : {}),
  }
}

/** What a rule says of a machine that it takes. */
export function fromRule(rule: Rule, machine: Machine, domain: string): Listing {
  const { profile, answers, approve, loader } = rule
  const series = rule.name
  const numbered = series && (!series.includes('{{index}}') || machine.number?.series === series)
  const name = numbered ? series.replaceAll('{{index}}', String(machine.number?.index)) : undefined
  return {
    from: 'rule',
    rule: rule.index,
    profile,
    answers,
    approve,
    options: [],
    ...(loader ? { loader } : {}),
    ...(series ? { series } : {}),
    ...(name ? { name, fqdn: `${name}.${domain}` } : {}),
  }
}

/** What a machine would be installed with, if nobody names a profile: its own, that of its rule, or the only one there is. */
export function profileFor(listing: Pick<Listing, 'profile'>, site: Pick<Site, 'profiles'>): string | undefined {
  return listing.profile ?? (site.profiles.size === 1 ? [...site.profiles.keys()][0] : undefined)
}

type ListingSite = Pick<Site, 'machines' | 'rules' | 'domain'> & { dhcp: Pick<Site['dhcp'], 'reservations'> }

/** Where each MAC stands in the list: it is asked for with every event of every machine. */
const PLACES = new WeakMap<readonly ListedMachine[], ReadonlyMap<Mac, number>>()

function placesOf(machines: readonly ListedMachine[]): ReadonlyMap<Mac, number> {
  const known = PLACES.get(machines)
  if (known) return known
  const places = new Map<Mac, number>()
  for (const [place, { macs }] of machines.entries())
    for (const mac of macs) if (!places.has(mac)) places.set(mac, place)
  PLACES.set(machines, places)
  return places
}

/** The first entry of the file that has one of its MACs. */
export function entryOf(
  { macs }: Pick<Machine, 'macs'>,
  { machines }: Pick<Site, 'machines'>,
): ListedMachine | undefined {
  const places = placesOf(machines)
  const found = macs.map(mac => places.get(mac)).filter(place => place !== undefined)
  return machines[Math.min(...found)]
}

/** What the site file reserves for one of its MACs, in its own entry or in a reservation. */
export function siteAddressOf(machine: Pick<Machine, 'macs'>, site: ListingSite): Ipv4 | undefined {
  const isIts = ({ key }: Reservation): boolean => key.by === 'mac' && machine.macs.includes(key.value)
  return entryOf(machine, site)?.address ?? site.dhcp.reservations.find(isIts)?.address
}

/** Whom else the site reserves that address for: a host name, or what a reservation is found by. */
export function otherClaimOn(address: Ipv4, { macs }: Pick<Machine, 'macs'>, site: ListingSite): string | undefined {
  const entry = site.machines.find(listed => listed.address === address)
  if (entry) return entry.macs.some(mac => macs.includes(mac)) ? undefined : entry.name
  const reservation = site.dhcp.reservations.find(one => one.address === address)
  if (!reservation || (reservation.key.by === 'mac' && macs.includes(reservation.key.value))) return undefined
  return reservation.name ?? `${reservation.key.by} ${reservation.key.value}`
}

/** The machine's own entry if one of its MACs is listed, else the first rule of the file all of whose conditions hold. */
export function listingOf(machine: Machine, site: ListingSite): Listing {
  const address = siteAddressOf(machine, site) ?? machine.staticAddress?.address
  return { ...withoutAddress(machine, site), ...(address ? { address } : {}) }
}

function withoutAddress(machine: Machine, site: ListingSite): Listing {
  const entry = entryOf(machine, site)
  if (entry) return fromEntry(entry, site.domain)
  const facts = factsOf(machine)
  const rule = site.rules.find(candidate => judgeRule(candidate, facts).fits)
  return rule ? fromRule(rule, machine, site.domain) : { from: 'nothing', answers: [], approve: false, options: [] }
}
