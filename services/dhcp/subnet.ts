/** Which subnet a message belongs to, and which of its addresses a machine may have. */
import { broadcastOf, type Ipv4, ipv4ToNumber, type Prefix, prefixContains, UNSPECIFIED } from '../kit/ipv4.ts'
import { isOfSite } from '../site/networks.ts'
import type { Subnet } from '../site/types.ts'
import type { DhcpMessage } from './message.ts'
import { subnetSelectionOf } from './options.ts'
import { relayInformationOf } from './relay-information.ts'

/**
 * Relay agent first, then the address that the client uses, then the interface that heard it (RFC 2131 §4.3.1).
 * A relay agent's link selection precedes its own address (RFC 3527 §3), and what the client selects all but that (RFC 3011 §2).
 */
export function selectSubnet(message: DhcpMessage, server: SubnetChoice): Subnet | 'unknown-relay' | 'no-subnet' {
  const { giaddr, ciaddr } = message
  const { subnets, prefix: own } = server
  const selected = usedSelection(message, server)
  if (giaddr !== UNSPECIFIED) {
    return relayedSubnet(giaddr, selected ?? relayInformationOf(message).linkSelection, subnets)
  }
  if (selected) return subnets.find(({ prefix }) => prefixContains(prefix, selected)) ?? 'no-subnet'
  const used = ciaddr === UNSPECIFIED ? undefined : subnets.find(({ prefix }) => prefixContains(prefix, ciaddr))
  return used ?? subnets.find(({ prefix }) => prefixContains(prefix, own.network)) ?? 'no-subnet'
}

/**
 * Whether the answer would go to an address of no network of the site, whose owner may never have asked. The address of an INFORM is to be looked at
 * (RFC 2131 §4.3.5), and a DISCOVER has none (Table 5); who renews hears NAK, which is broadcast.
 */
export function isFromElsewhere(
  { ciaddr, giaddr }: Pick<DhcpMessage, 'ciaddr' | 'giaddr'>,
  { prefix, subnets }: Pick<SubnetChoice, 'prefix' | 'subnets'>,
): boolean {
  return giaddr === UNSPECIFIED && ciaddr !== UNSPECIFIED && !isOfSite({ own: prefix, subnets }, ciaddr)
}

/** What of the server a subnet is chosen by. */
export type SubnetChoice = { prefix: Prefix; subnets: readonly Subnet[]; subnetSelection: boolean }

/** Option 118 where it counts: if the site allows it, and no relay agent says better (RFC 3527 §3). */
export function usedSelection(
  message: DhcpMessage,
  { subnetSelection }: Pick<SubnetChoice, 'subnetSelection'>,
): Ipv4 | undefined {
  if (!subnetSelection || relayInformationOf(message).linkSelection) return undefined
  return subnetSelectionOf(message)
}

/**
 * One relay agent may serve several subnets: the link that it selects is meant, else the one around its own address.
 * It speaks only for subnets that list it, whatever it selects.
 */
function relayedSubnet(
  giaddr: Ipv4,
  link: Ipv4 | undefined,
  subnets: readonly Subnet[],
): Subnet | 'unknown-relay' | 'no-subnet' {
  const served = subnets.filter(({ relays }) => relays.includes(giaddr))
  if (served.length === 0) return 'unknown-relay'
  const around =
    (address: Ipv4) =>
    ({ prefix }: Subnet) =>
      prefixContains(prefix, address)
  if (!link) return served.find(around(giaddr)) ?? served[0]!
  return served.find(around(link)) ?? (subnets.some(around(link)) ? 'unknown-relay' : 'no-subnet')
}

const POINT_TO_POINT_LENGTH = 31

/** Numbers of a subnet, worked out once: both questions below are asked for every message, some of them for each address that is looked at. */
type Bounds = { firstHost: number; lastHost: number; pools: readonly { first: number; last: number }[] }

const known = new WeakMap<Subnet, Bounds>()

function boundsOf(subnet: Subnet): Bounds {
  const before = known.get(subnet)
  if (before) return before
  const { prefix, pools } = subnet
  // On a link of two, both addresses are hosts (RFC 3021).
  const apart = prefix.length >= POINT_TO_POINT_LENGTH ? 0 : 1
  const bounds = {
    firstHost: ipv4ToNumber(prefix.network) + apart,
    lastHost: ipv4ToNumber(broadcastOf(prefix)) - apart,
    pools: pools.map(({ first, last }) => ({ first: ipv4ToNumber(first), last: ipv4ToNumber(last) })),
  }
  known.set(subnet, bounds)
  return bounds
}

/** An address that a machine of this subnet can use: neither network nor broadcast address, nor router, nor ours. */
export function isHostAddress(subnet: Subnet, address: Ipv4, ours: Ipv4): boolean {
  if (address === subnet.router || address === ours) return false
  const value = ipv4ToNumber(address)
  const { firstHost, lastHost } = boundsOf(subnet)
  return value >= firstHost && value <= lastHost
}

export function isInPools(subnet: Subnet, address: Ipv4): boolean {
  const value = ipv4ToNumber(address)
  return boundsOf(subnet).pools.some(({ first, last }) => value >= first && value <= last)
}
