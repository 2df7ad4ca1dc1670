/** What the site gives a machine once it is known, or better known: its number, its address, its first approval. */
import type { Log } from '../kit/log.ts'
import type { Site } from '../site/types.ts'
import type { MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'
import { type Listing, otherClaimOn, siteAddressOf } from './listing.ts'
import { nextNumber } from './numbering.ts'
import type { Registry } from './registry.ts'

/** Whether the site starts the machine's first attempt, unless what it claims is another one's. */
export function isApprovedBySite(
  { attempts, state, returned, restored }: Pick<Machine, 'attempts' | 'state' | 'returned' | 'restored'>,
  { approve, from }: Pick<Listing, 'approve' | 'from'>,
  { boot }: { boot: Pick<Site['boot'], 'unknown'> },
): boolean {
  const isMeant = approve || (from === 'nothing' && boot.unknown === 'install')
  return isMeant && attempts === 0 && state === 'held' && !returned && !restored
}

export async function settle(registry: Registry, id: MachineId, site: Site, log: Log): Promise<void> {
  const seen = registry.byId(id)
  if (!seen) return
  const { series } = registry.listing(seen)
  if (series?.includes('{{index}}') && seen.number?.series !== series) {
    await registry.record(
      id,
      { type: 'numbered', series, index: nextNumber(series, registry.machines(), site) },
      'site',
    )
  }
  await settleAddress(registry, seen, site, log)
  const machine = registry.byId(id)
  // By the site of now: while a number was written down, another file may have been loaded that approves it no more.
  if (!machine || !isApprovedBySite(machine, registry.listing(machine), site)) return
  if (registry.standingConflicts(machine).length > 0) return
  const started = await registry.startAttempt(machine, { by: 'site', again: false })
  if (typeof started !== 'string') log.warn({ mac: id, code: started.code }, `${started.message}; ${started.hint}`)
}

/** So many machines in one turn of the event loop: where nothing is given to them that takes a millisecond or two. */
const AT_A_TIME = 100

/**
 * The same for all of them: those that the file lists become known, and a rule that was written after a machine was seen holds for that machine, too.
 * @param breathe lets others work
 */
export async function settleAll(
  registry: Registry,
  site: Site,
  log: Log,
  breathe: () => Promise<unknown>,
): Promise<void> {
  for (const [at, { macs }] of site.machines.entries()) {
    if (at % AT_A_TIME === AT_A_TIME - 1) await breathe()
    const known = macs.map(mac => registry.byMac(mac)).find(machine => machine !== undefined)
    if (known) await settle(registry, known.id, site, log)
    else await registry.sight({ macs }, 'site')
  }
  for (const [at, { id }] of registry.machines().entries()) {
    if (at % AT_A_TIME === AT_A_TIME - 1) await breathe()
    await settle(registry, id, site, log)
  }
}

/** Its own address may change by the site's word, though the installed system does not hear it; nobody else gets it by that. */
async function settleAddress(
  registry: Registry,
  { id, macs, staticAddress }: Machine,
  site: Site,
  log: Log,
): Promise<void> {
  if (!staticAddress) return
  const { address } = staticAddress
  const [given, other] = [siteAddressOf({ macs }, site), otherClaimOn(address, { macs }, site)]
  if (other) log.warn({ mac: id, address }, `${other} does not get ${address}: an installed system has it as static`)
  if (!given || given === address) return
  await registry.record(id, { type: 'address-given-up', address, reason: `the site gives it ${given}` }, 'site')
}
