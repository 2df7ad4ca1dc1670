/** Everything about a site that one key alone cannot show. Works on a draft, so that it finds its part of the mistakes in any file. */
import { checkAppliance } from './check-appliance.ts'
import { checkFleet } from './check-fleet.ts'
import { checkRecords } from './check-records.ts'
import { checkReservations } from './check-reservations.ts'
import { checkSubnets } from './check-subnets.ts'
import type { CheckView } from './check-view.ts'
import type { Finding } from './finding.ts'

/** All findings, in no particular order. */
export function checkSite(view: CheckView): Finding[] {
  return [
    ...checkAppliance(view),
    ...checkSubnets(view),
    ...checkRecords(view),
    ...checkFleet(view),
    ...checkReservations(view),
  ]
}
