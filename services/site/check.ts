/** Everything about a site that one key alone cannot show. Works on a draft, so that it finds its part of the mistakes in any file. */
import type { Ipv4, Prefix } from '../kit/ipv4.ts'
import { checkAppliance } from './check-appliance.ts'
import { checkFleet } from './check-fleet.ts'
import { checkRecords } from './check-records.ts'
import { checkSubnets } from './check-subnets.ts'
import type { Finding } from './finding.ts'
import type { Draft } from './schema.ts'

export type CheckView = {
  draft: Draft
  /** The appliance's own address and the network around it; absent if it is not known. */
  own?: { address: Ipv4; prefix: Prefix }
  /** Whether a value was taken out of the draft since it was wrong: nothing follows from its absence then. */
  isLost: (dotted: string) => boolean
}

/** All findings, in no particular order. */
export function checkSite(view: CheckView): Finding[] {
  return [...checkAppliance(view), ...checkSubnets(view), ...checkRecords(view), ...checkFleet(view)]
}
