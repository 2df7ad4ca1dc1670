/** What the site gives a machine once it is known, or better known: its number, its address, its first approval. */
import type { Log } from '../kit/log.ts'
import type { Site } from '../site/types.ts'
import type { MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'
import { otherClaimOn, siteAddressOf } from './listing.ts'
import { nextNumber } from './numbering.ts'
import type { Registry } from './registry.ts'

export async function settle(registry: Registry, id: MachineId, site: Site, log: Log): Promise<void> {
  const seen = registry.byId(id)
  if (!seen) return
  const { series, approve, from } = registry.listing(seen)
  if (series?.includes('{{index}}') && seen.number?.series !== series) {
    await registry.record(
      id,
      { type: 'numbered', series, index: nextNumber(series, registry.machines(), site) },
      'site',
    )
  }
  await settleAddress(registry, seen, site, log)
  const install = approve || (from === 'nothing' && site.boot.unknown === 'install')
  const machine = registry.byId(id)
  if (!install || !machine || machine.attempts > 0 || machine.state !== 'held' || machine.returned) return
  if (registry.standingConflicts(machine).length > 0) return
  const started = await registry.startAttempt(machine, { by: 'site', again: false })
  if (typeof started !== 'string') log.warn({ mac: id, code: started.code }, `${started.message}; ${started.hint}`)
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
