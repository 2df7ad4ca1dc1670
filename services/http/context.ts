/** What every route may ask: the slice of the appliance that HTTP serves. */
import type { Urls } from '../boot/urls.ts'
import type { IsoCatalogue } from '../iso/catalogue.ts'
import type { Layers } from '../answer/load.ts'
import type { Clock } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Mac } from '../kit/mac.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import type { Site } from '../site/types.ts'
import type { Certificate } from './certificate.ts'

export type HttpContext = {
  site: Site
  registry: Registry
  catalogue: IsoCatalogue
  /** Read anew for every answer, so that an edited layer counts at once. */
  layers: () => Promise<Layers>
  certificate: Certificate
  urls: Urls
  clock: Clock
  log: Log
  /** Who holds this address, as far as our own DHCP server knows; always undefined when another server gives addresses. */
  macAt: (address: Ipv4) => Mac | undefined
}

/** The peer's address as the socket has it; headers of proxies are never believed (L07). */
export function clientAddress(remote: string | undefined): Ipv4 {
  return (remote ?? '').replace(/^::ffff:/, '') as Ipv4
}

/**
 * Whether a request from this address can be this machine. Where we give the addresses, the lease says so; where somebody else does, we
 * can't know and the other checks have to carry it.
 */
export function isAtItsAddress(context: HttpContext, machine: Machine, address: Ipv4): boolean {
  if (context.site.dhcp.mode !== 'server') return true
  const holder = context.macAt(address)
  return holder !== undefined && machine.macs.includes(holder)
}
