/** Which addresses are of the site: those on the appliance's own link, and those behind a router that the site lists as subnets. */
import { type Ipv4, type Prefix, prefixContains } from '../kit/ipv4.ts'

export type Networks = { own: Prefix; subnets: readonly { prefix: Prefix }[] }

/** In a subnet of the site that is not the appliance's own network: the kernel's neighbour table says nothing of such machines. */
export function isBehindRouter({ own, subnets }: Networks, address: Ipv4): boolean {
  return !prefixContains(own, address) && subnets.some(({ prefix }) => prefixContains(prefix, address))
}

/** Whether the site has networks that only relay agents reach. */
export function hasFarSubnets({ own, subnets }: Networks): boolean {
  return subnets.some(({ prefix }) => !prefixContains(own, prefix.network))
}

export function isOfSite(networks: Networks, address: Ipv4): boolean {
  return prefixContains(networks.own, address) || isBehindRouter(networks, address)
}
