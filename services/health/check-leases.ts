/** Leases that no subnet of the site holds any more: they are kept, and served no longer (I07). Pure. */
import { namesOf } from '../kit/amount.ts'
import { prefixContains } from '../kit/ipv4.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import type { LeaseRecord } from '../store/types.ts'

export type KeptLease = Pick<LeaseRecord, 'address' | 'state' | 'expiresAt'>

/** @param leases those on disk; where that throws, somebody else tells of it */
export function checkLeases({ dhcp }: Pick<Site, 'dhcp'>, leases: () => readonly KeptLease[]): Problem[] {
  if (dhcp.mode !== 'server') return []
  const kept = keptOf(leases)
  const outside = kept.filter(({ address }) => !dhcp.subnets.some(({ prefix }) => prefixContains(prefix, address)))
  if (outside.length === 0) return []
  const message = `no subnet of the site holds ${outside.length === 1 ? 'the lease' : `${outside.length} leases`} of ${namesOf(outside.map(({ address }) => address))}: kept, and served no longer`
  const hint = 'add their subnet, or give them back: `rackrise lease release ADDRESS`'
  return [{ code: 'lease-outside', message, hint, severity: 'warning' }]
}

function keptOf(leases: () => readonly KeptLease[]): KeptLease[] {
  try {
    return leases().filter(({ state }) => state !== 'released')
  } catch {
    return []
  }
}
