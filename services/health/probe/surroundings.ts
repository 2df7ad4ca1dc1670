/** What stands around the machines: relay agents, routers, and whoever uses addresses that are to be given away. */
import type { Answerer } from '../../kit/address-probe.ts'
import { type Ipv4, ipv4FromNumber, ipv4ToNumber, prefixContains, prefixToString, type Range } from '../../kit/ipv4.ts'
import type { Site } from '../../site/types.ts'
import { type Finding, finding } from '../finding.ts'

export type SurroundingsEdge = {
  /** Whether there is a way to find out about that address at all: ARP on the link, else the right to ping. */
  reaches(address: Ipv4): boolean
  /** Who answers for it; undefined if nobody does. */
  answerer(address: Ipv4): Promise<Answerer | undefined>
  /** Whether the kernel knows a way there. */
  hasRoute(address: Ipv4): Promise<boolean>
  /** Addresses that are somebody's by right: leased, or in quarantine already. Undefined where that can't be read. */
  leased(): Promise<ReadonlySet<Ipv4> | undefined>
  /** Until the kernel has checked whether those that it knew are still there. */
  settle(): Promise<void>
}

/** Five seconds until it begins to check an entry that was used, and three questions a second apart (arp(7)). */
export const SETTLE_MS = 9_000

type SurroundingsSite = Pick<Site, 'network' | 'dhcp' | 'machines'>

const isOnLink = ({ network }: SurroundingsSite, address: Ipv4): boolean => prefixContains(network.prefix, address)

/** An echo may be lost once. */
async function answersSoon(edge: SurroundingsEdge, address: Ipv4): Promise<Answerer | undefined> {
  return (await edge.answerer(address)) ?? edge.answerer(address)
}

export async function lookAtRelays(site: SurroundingsSite, edge: SurroundingsEdge): Promise<Finding[]> {
  const relays = [...new Set(site.dhcp.subnets.flatMap(subnet => subnet.relays))]
  const found = await Promise.all(relays.map(relay => lookAtRelay(relay, site, edge)))
  const unasked = relays.filter((_, at) => found[at] === 'unasked')
  const told = found.filter(one => one !== 'unasked')
  const message = `this user may not ping, so nobody knows whether ${unasked.join(', ')} can be reached`
  return unasked.length > 0 ? [...told, finding('relays-unasked', message)] : told
}

async function lookAtRelay(relay: Ipv4, site: SurroundingsSite, edge: SurroundingsEdge): Promise<Finding | 'unasked'> {
  const subnet = site.dhcp.subnets.find(({ relays }) => relays.includes(relay))!
  const who = `the relay agent ${relay} of ${prefixToString(subnet.prefix)}`
  const subject = { subject: relay }
  if (!isOnLink(site, relay) && !(await edge.hasRoute(relay)))
    return finding('relay-unreachable', `there is no way to ${who}`, subject)
  if (!edge.reaches(relay)) return 'unasked'
  if (await answersSoon(edge, relay)) return finding('relay-answers', `${who} answers`, subject)
  return finding('relay-silent', `${who} does not answer`, subject)
}

/** Those of other links are asked by nobody here: their relay agent, which usually is the router, was. */
export async function lookAtRouters(site: SurroundingsSite, edge: SurroundingsEdge): Promise<Finding[]> {
  const subnets = site.dhcp.subnets.filter(
    ({ router }) => router !== undefined && router !== site.network.address && isOnLink(site, router),
  )
  return Promise.all(
    subnets.map(async ({ router, prefix }) => {
      const who = `the router ${router} of ${prefixToString(prefix)}`
      const answerer = await answersSoon(edge, router!)
      const subject = { subject: router! }
      if (!answerer) return finding('router-silent', `${who} does not answer`, subject)
      return finding('router-answers', `${who} answers${answerer.mac ? ` (${answerer.mac})` : ''}`, subject)
    }),
  )
}

/** So many addresses are looked at in all: the kernel's table of neighbours has room for 1024, and machines need theirs. */
const SAMPLE_MOST = 24

/** Addresses of the pools at even distances, first and last of all included; in order. */
export function sampleOf(pools: readonly Range[], taken: (address: Ipv4) => boolean, most = SAMPLE_MOST): Ipv4[] {
  const sizes = pools.map(({ first, last }) => ipv4ToNumber(last) - ipv4ToNumber(first) + 1)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const count = Math.min(most, total)
  const places = Array.from({ length: count }, (_, at) =>
    count < 2 ? 0 : Math.floor((at * (total - 1)) / (count - 1)),
  )
  return places.map(place => addressAt(pools, sizes, place)).filter(address => !taken(address))
}

function addressAt(pools: readonly Range[], sizes: readonly number[], place: number): Ipv4 {
  let left = place
  for (const [at, pool] of pools.entries()) {
    if (left < sizes[at]!) return ipv4FromNumber(ipv4ToNumber(pool.first) + left)
    left -= sizes[at]!
  }
  throw new RangeError(`the pools have no place ${place}`)
}

/** One that has more addresses than a machine has answers for others, and that is one thing to mend. */
const ADDRESSES_OF_ONE = 3

function usedBy(who: string, addresses: readonly Ipv4[], tried: number): Finding[] {
  if (addresses.length <= ADDRESSES_OF_ONE)
    return addresses.map(address =>
      finding('address-in-use', `${who} uses ${address}, which nobody leased`, { subject: address }),
    )
  const some = `${addresses.slice(0, ADDRESSES_OF_ONE).join(', ')} and ${addresses.length - ADDRESSES_OF_ONE} more`
  const message = `${who} answers for ${addresses.length} of ${tried} addresses that nobody leased: ${some}`
  const hint = 'switch off proxy ARP if it is a router; else take its addresses out of the pool'
  return [finding('address-in-use', message, { subject: who, hint })]
}

export async function lookAtPools(site: SurroundingsSite, edge: SurroundingsEdge): Promise<Finding[]> {
  const pools = site.dhcp.subnets.filter(({ prefix }) => isOnLink(site, prefix.network)).flatMap(subnet => subnet.pools)
  if (site.dhcp.mode !== 'server' || pools.length === 0) return []
  const leased = await edge.leased()
  if (!leased) return [finding('pools-unsampled')]
  const reserved = new Set(site.machines.map(({ address }) => address))
  const sample = sampleOf(pools, address => leased.has(address) || reserved.has(address))
  const ask = (addresses: readonly Ipv4[]) =>
    Promise.all(addresses.map(async address => ({ address, answerer: await edge.answerer(address) })))
  const suspects = (await ask(sample)).filter(({ answerer }) => answerer !== undefined)
  // Whoever left stands in the kernel's table until somebody asks for him again; only of the last minute does it believe that he is there.
  if (suspects.length > 0) await edge.settle()
  const users = (await ask(suspects.map(({ address }) => address))).flatMap(({ address, answerer }) =>
    answerer ? [{ address, who: answerer.mac ?? 'something' }] : [],
  )
  const used = [...Map.groupBy(users, ({ who }) => who)].flatMap(([who, found]) =>
    usedBy(
      who,
      found.map(({ address }) => address),
      sample.length,
    ),
  )
  if (used.length > 0) return used
  return [finding('pools-quiet', `of the pools on this link ${sample.length} addresses were tried: nobody uses them`)]
}
