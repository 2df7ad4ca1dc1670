/** What the policy of names stands on, as the site says it. Pure. */
import type { Site } from '../site/types.ts'
import type { AnswerContext, DnsView } from './answer.ts'
import { foldCase } from './name.ts'
import { buildZones } from './zone.ts'

const SERVER_NAME = 'ns'
const LONGEST_HOST_TTL_S = 300

/** @param serial of the zones: seconds since 1970 */
export function contextOf(
  site: Pick<Site, 'domain' | 'network' | 'dns' | 'dhcp'>,
  view: DnsView,
  serial: number,
): AnswerContext {
  const domain = foldCase(site.domain)
  const prefixes = [site.network.prefix, ...site.dhcp.subnets.map(subnet => subnet.prefix)]
  const zones = buildZones({
    domain,
    records: site.dns.records,
    prefixes,
    serverName: SERVER_NAME,
    serverAddress: site.network.address,
    serial,
  })
  return {
    domain,
    zones,
    served: [...prefixes, ...site.dns.allow],
    forwarding: site.dns.forward.length > 0 ? site.dns.allow : [],
    // A name must be gone soon after its lease is (J33).
    hostTtl: Math.min(LONGEST_HOST_TTL_S, Math.floor(site.dhcp.leaseSeconds / 3)),
    view,
  }
}
