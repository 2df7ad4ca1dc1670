/** What the installer posted, as facts that rules can ask for. What many boards say counts as not told. */
import type { Mac } from '../kit/mac.ts'
import { type Told, toldOf } from '../machine/facts.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry, Sighting } from '../machine/registry.ts'
import { isPlaceholderSerial } from '../site/identity.ts'
import type { SystemInformation } from './system-information.ts'

/** Kept for each machine for ever, so not more of it than rules ask for. */
const LONGEST_VALUE = 128

function toldIn({ dmi, links, product, release }: SystemInformation): Told {
  const { 'dmi.system.uuid': _uuid, 'dmi.system.serial': _serial, 'dmi.system.name': _name, ...rest } = dmi
  const known = Object.entries(rest).filter(([, value]) => value.length <= LONGEST_VALUE && !isPlaceholderSerial(value))
  return toldOf({
    ...Object.fromEntries(known.map(([name, value]) => [name, [value]])),
    'nic.link': links,
    product: [product],
    'iso.release': [release],
  })
}

/** Whose the first of these MACs is that anybody knows: the machine that a body speaks of, where nothing else says so. */
export function firstKnown(macs: readonly Mac[], registry: Pick<Registry, 'byMac'>): Machine | undefined {
  return macs.map(mac => registry.byMac(mac)).find(machine => machine !== undefined)
}

/** Everything that is learnt of a machine from its system information; `macs` as they count, first the one that says who it is. */
export function sightingIn(information: SystemInformation, macs: Sighting['macs']): Sighting {
  const { serial, uuid, dmi } = information
  const product = dmi['dmi.system.name']
  return {
    macs,
    ...(serial ? { serial } : {}),
    ...(uuid ? { uuid } : {}),
    ...(product && !isPlaceholderSerial(product) ? { product } : {}),
    told: toldIn(information),
  }
}
