/** Leases in words, how those that a filter shows are asked for, and how full the pools are. Pure. */
import type { LeaseView } from '../../schema/lease.ts'

export type LeaseState = LeaseView['state']

export const LEASE_STATES: readonly LeaseState[] = ['bound', 'reserved', 'quarantine', 'expired', 'released']

export const LEASE_MEANINGS: Record<LeaseState, string> = {
  bound: 'a machine uses it',
  reserved: 'an installed system has it written down: it is nobody else’s',
  quarantine: 'somebody else answered for it, so it is given to nobody for a while',
  expired: 'its time is over; its machine gets it again if it asks',
  released: 'given back',
}

/** Rows that a page of the list shows; more than anybody reads. */
const LEASES_SHOWN = 200

export function leasesPath(text: string, state: LeaseState | undefined): string {
  const search = text.trim()
  const query = new URLSearchParams({
    ...(state === undefined ? {} : { state }),
    ...(search === '' ? {} : { search }),
    limit: String(LEASES_SHOWN),
  })
  return `/api/v1/leases?${query}`
}

export type LeaseCounts = Record<LeaseState, number> & { all: number }

export function countLeases(leases: readonly LeaseView[]): LeaseCounts {
  const counts = { ...Object.fromEntries(LEASE_STATES.map(state => [state, 0])), all: leases.length } as LeaseCounts
  for (const { state } of leases) counts[state]++
  return counts
}

export const canRelease = ({ state }: LeaseView): boolean => state !== 'released'

export type Pool = { subnet: string; taken: number; size: number }

type Metric = { name: string; values: { labels: Record<string, string | number>; value: number }[] }

/** Out of what the appliance counts. */
export function poolsOf(metrics: readonly Metric[]): Pool[] {
  const values = metrics.find(({ name }) => name === 'rackrise_dhcp_pool_addresses')?.values ?? []
  const pools = new Map<string, Pool>()
  for (const { labels, value } of values) {
    const subnet = String(labels['subnet'])
    const { taken, size } = pools.get(subnet) ?? { taken: 0, size: 0 }
    pools.set(subnet, { subnet, taken: taken + (labels['state'] === 'free' ? 0 : value), size: size + value })
  }
  return [...pools.values()].filter(({ size }) => size > 0)
}
