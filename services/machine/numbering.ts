/** Numbers of a rule: each machine of it has one, for ever. */
import type { Site } from '../site/types.ts'
import type { Machine } from './lifecycle.ts'

/** Above every number of the series, and past names that the site gives to a machine, a reservation or a record of its own. */
export function nextNumber(
  series: string,
  machines: readonly Machine[],
  site: Pick<Site, 'machines' | 'domain' | 'dns'> & { dhcp: Pick<Site['dhcp'], 'reservations'> },
): number {
  const names = new Set([
    ...site.machines.map(({ name }) => `${name}.${site.domain}`),
    ...site.dhcp.reservations.map(({ name = '' }) => `${name}.${site.domain}`),
    ...site.dns.records.map(({ name }) => name),
  ])
  const given = machines.flatMap(machine => (machine.number?.series === series ? [machine.number.index] : []))
  let index = Math.max(0, ...given) + 1
  while (names.has(`${series.replaceAll('{{index}}', String(index))}.${site.domain}`)) index++
  return index
}
