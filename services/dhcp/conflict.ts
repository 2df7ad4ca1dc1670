/** What follows from the answer to a conflict probe: RFC 2131 §2.2 and §3.1. Pure; the probe itself is kit/address-probe.ts. */
import type { Answerer } from '../kit/address-probe.ts'
import type { Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { LeaseRecord } from '../store/types.ts'
import type { Inquiry, Reply } from './decision.ts'
import type { LeaseView } from './lease-table.ts'
import { QUARANTINE_MS, quarantineRoom } from './lease-table.ts'
import type { OfferReason } from './reasons.ts'
import type { Subnet } from '../site/types.ts'
import { isInPools } from './subnet.ts'

/** Whoever answers for more addresses than that answers for all of them, as a router with proxy ARP does. */
export const MAX_QUARANTINED_BY_ANSWERER = 6
/** In a record: who answered is not known, since it stands behind a router. */
export const UNKNOWN_MAC = '00:00:00:00:00:00' as Mac

/** Chosen from what nobody had before, as far as we know; what a machine has or had itself is never probed (C09). */
const UNPROVEN: readonly OfferReason[] = ['requested-address', 'from-pool', 'offered-again']

/** Whether somebody must look first if this address is in use: no record of it, or only that something else used it. */
export function isUnproven({ view }: Inquiry, address: Ipv4, reason: OfferReason): boolean {
  if (!UNPROVEN.includes(reason)) return false
  const record = view.leases.at(address)
  return !record || record.state === 'declined'
}

export type Verdict =
  /** Nobody uses it, or only the machine itself does. */
  | { do: 'offer' }
  | { do: 'quarantine'; record: LeaseRecord }
  /** Too much is in quarantine to believe it: what answers for every address must not empty the pool. */
  | { do: 'offer-anyway' }

export function judgeAnswer(
  { client, address }: Pick<Reply, 'client'> & { address: Ipv4 },
  answerer: Answerer | undefined,
  { leases, subnets, now }: { leases: LeaseView; subnets: readonly Subnet[]; now: Instant },
): Verdict {
  if (!answerer || answerer.mac === client.mac) return { do: 'offer' }
  if (!subnets.some(subnet => isInPools(subnet, address))) return { do: 'offer' }
  const mac = answerer.mac ?? UNKNOWN_MAC
  const { inPools, byMachine, poolSize } = leases.quarantine(address, mac, now)
  // Behind a router all answers look alike, so only the part of the pool counts.
  const isEverywhere = answerer.mac !== undefined && byMachine >= MAX_QUARANTINED_BY_ANSWERER
  if (isEverywhere || inPools >= quarantineRoom(poolSize)) return { do: 'offer-anyway' }
  const record: LeaseRecord = { address, mac, state: 'declined', boundAt: now, expiresAt: now + QUARANTINE_MS }
  return { do: 'quarantine', record }
}
