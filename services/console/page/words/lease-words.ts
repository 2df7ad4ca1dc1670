/** Leases in words, which of them a filter shows, and how full the pools are. Pure. */
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

/** By any word of what is shown, and by state. */
export function chooseLeases(leases: readonly LeaseView[], text: string, state: LeaseState | undefined): LeaseView[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return leases.filter(lease => {
    if (state !== undefined && lease.state !== state) return false
    const all = [lease.address, lease.mac, lease.name, lease.state].join('\n').toLowerCase()
    return words.every(word => all.includes(word))
  })
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
