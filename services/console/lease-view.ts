/** A lease as people and programs are shown it: whose it is by name, its state as of now, times as ISO text. */
import type { Instant } from '../kit/clock.ts'
import { ipv4ToNumber } from '../kit/ipv4.ts'
import type { LeaseRecord } from '../store/types.ts'
import type { LeaseView } from './schema/lease.ts'

function stateOf({ state, expiresAt }: LeaseRecord, now: Instant): LeaseView['state'] {
  if (state === 'released') return 'released'
  if (now >= expiresAt) return 'expired'
  return state === 'declined' ? 'quarantine' : 'bound'
}

/** @param about its name, and whether an installed system has the address written down */
export function viewLease(
  record: LeaseRecord,
  { name, isReserved }: { name: string | undefined; isReserved: boolean },
  now: Instant,
): LeaseView {
  const { address, mac, boundAt, expiresAt } = record
  return {
    address,
    mac,
    ...(name ? { name } : {}),
    state: isReserved ? 'reserved' : stateOf(record, now),
    boundAt: new Date(boundAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  }
}

export function byAddress(a: LeaseRecord, b: LeaseRecord): number {
  return ipv4ToNumber(a.address) - ipv4ToNumber(b.address)
}
