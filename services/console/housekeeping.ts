/** What grows old in every room that keeps something, and the upkeep of the fleet that ends it. */
import type { IsoCatalogue } from '../iso/catalogue.ts'
import { staleNotes } from '../iso/notes.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { Registry } from '../machine/registry.ts'
import { startUpkeep } from '../machine/upkeep.ts'
import type { Site } from '../site/types.ts'
import { sparePages, type Store } from '../store/store.ts'
import { type LeaseSource, staleLeases } from './leases.ts'

export type Household = {
  site: Pick<Site, 'store' | 'paths'>
  store: Store
  registry: Registry
  catalogue: IsoCatalogue
  leases: LeaseSource
  clock: Clock
  log: Log
}

/** Resolves with how to stop. */
export function startHousekeeping(household: Household): Promise<() => Promise<void>> {
  const { site, store, registry, catalogue, leases, clock } = household
  const chores = [staleLeases(leases, registry), staleNotes(catalogue, site.paths.state), sparePages(store, clock)]
  return startUpkeep({ ...household, keepMs: () => site.store.keepMs, chores })
}
