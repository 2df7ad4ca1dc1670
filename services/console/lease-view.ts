/** A lease as people and programs are shown it: whose it is by name, its state as of now, times as ISO text. */
import type { Instant } from '../kit/clock.ts'
import type { LeaseRecord } from '../store/types.ts'
import type { LeaseView } from './schema/lease.ts'

/** Whose it is by name, and whether an installed system has the address written down. */
export type AboutLease = { name: string | undefined; isReserved: boolean }

export function stateOfLease({ state, expiresAt }: LeaseRecord, isReserved: boolean, now: Instant): LeaseView['state'] {
  if (isReserved) return 'reserved'
  if (state === 'released') return 'released'
  if (now >= expiresAt) return 'expired'
  return state === 'declined' ? 'quarantine' : 'bound'
}

export function viewLease(record: LeaseRecord, { name, isReserved }: AboutLease, now: Instant): LeaseView {
  const { address, mac, boundAt, expiresAt } = record
  return {
    address,
    mac,
    ...(name ? { name } : {}),
    state: stateOfLease(record, isReserved, now),
    boundAt: new Date(boundAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  }
}
