/** Which subnet a message belongs to, and which of its addresses a machine may have. */
import { broadcastOf, type Ipv4, type Prefix, prefixContains, rangeContains, UNSPECIFIED } from '../kit/ipv4.ts'
import type { Subnet } from '../site/types.ts'
import type { DhcpMessage } from './message.ts'

/**
 * Relay agent first, then the address that the client uses, then the interface that heard it (RFC 2131 §4.3.1).
 * A relay agent's sub-options are not asked here: without giaddr they are nobody's word.
 */
export function selectSubnet(
  message: DhcpMessage,
  interfacePrefix: Prefix,
  subnets: readonly Subnet[],
): Subnet | 'unknown-relay' | 'no-subnet' {
  const { giaddr, ciaddr } = message
  if (giaddr !== UNSPECIFIED) return relayedSubnet(giaddr, subnets)
  const used = ciaddr === UNSPECIFIED ? undefined : subnets.find(({ prefix }) => prefixContains(prefix, ciaddr))
  return used ?? subnets.find(({ prefix }) => prefixContains(prefix, interfacePrefix.network)) ?? 'no-subnet'
}

/** One relay agent may serve several subnets; the one around its own address is meant. */
function relayedSubnet(giaddr: Ipv4, subnets: readonly Subnet[]): Subnet | 'unknown-relay' {
  const served = subnets.filter(({ relays }) => relays.includes(giaddr))
  return served.find(({ prefix }) => prefixContains(prefix, giaddr)) ?? served[0] ?? 'unknown-relay'
}

const POINT_TO_POINT_LENGTH = 31

/** An address that a machine of this subnet can use: neither network nor broadcast address, nor router, nor ours. */
export function isHostAddress(subnet: Subnet, address: Ipv4, ours: Ipv4): boolean {
  const { prefix, router } = subnet
  if (!prefixContains(prefix, address) || address === router || address === ours) return false
  if (prefix.length >= POINT_TO_POINT_LENGTH) return true
  return address !== prefix.network && address !== broadcastOf(prefix)
}

export function isInPools(subnet: Subnet, address: Ipv4): boolean {
  return subnet.pools.some(pool => rangeContains(pool, address))
}
