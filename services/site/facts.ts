/** What rules can ask about: what machines say of themselves, by name, and when they say it. */

export type FactName = string

/**
 * `boot`: the firmware, iPXE or our lease tells it, before anything is installed. `answer`: the installer tells it when it asks for its
 * answer, once somebody has approved the machine; from then on it is known at boot, too.
 */
export type FactTime = 'boot' | 'answer'

/** By whom alone it is told before an installation, where that depends on `dhcp.mode`: nobody tells it in the modes that are named. */
export type FactSource = { missingIn: readonly ('proxy' | 'off')[]; why: string }

export type FactAbout = { told: FactTime; about: string; kind: 'text' | 'mac' | 'address'; only?: FactSource }

const OUR_DHCP: FactSource = { missingIn: ['off'], why: 'DHCP alone tells it' }
const OUR_LEASES: FactSource = { missingIn: ['proxy', 'off'], why: 'our own leases alone tell it' }

export const FACTS: Readonly<Record<FactName, FactAbout>> = {
  mac: { told: 'boot', kind: 'mac', about: 'the MAC of any of its NICs' },
  uuid: { told: 'boot', kind: 'text', about: 'its UUID (SMBIOS, option 97)' },
  serial: { told: 'boot', kind: 'text', about: 'its serial number (SMBIOS system)' },
  firmware: { told: 'boot', kind: 'text', about: 'x86-bios, x64-uefi, arm64-uefi (option 93)', only: OUR_DHCP },
  'lease.address': { told: 'boot', kind: 'address', about: 'the address that it has', only: OUR_LEASES },
  'dmi.system.name': { told: 'boot', kind: 'text', about: 'its model' },
  'dmi.system.sku': { told: 'answer', kind: 'text', about: 'its SKU' },
  'dmi.baseboard.name': { told: 'answer', kind: 'text', about: 'the model of its board' },
  'dmi.baseboard.serial': { told: 'answer', kind: 'text', about: 'the serial number of its board' },
  'dmi.baseboard.asset_tag': { told: 'answer', kind: 'text', about: 'the asset tag of its board' },
  'dmi.chassis.serial': { told: 'answer', kind: 'text', about: 'the serial number of its chassis' },
  'dmi.chassis.sku': { told: 'answer', kind: 'text', about: 'the SKU of its chassis' },
  'dmi.chassis.asset_tag': { told: 'answer', kind: 'text', about: 'the asset tag of its chassis' },
  'nic.link': { told: 'answer', kind: 'text', about: 'the name of any of its NICs' },
  product: { told: 'answer', kind: 'text', about: 'pve, pbs, pmg or pdm: what its installer installs' },
  'iso.release': { told: 'answer', kind: 'text', about: 'the release of that installer, as 9.2' },
}

/** Other names of the same facts, as the system information spells them. */
const ALIASES: Readonly<Record<string, FactName>> = {
  'dmi.system.serial': 'serial',
  'dmi.system.uuid': 'uuid',
  'network_interfaces.mac': 'mac',
  'network_interfaces.link': 'nic.link',
  'product.product': 'product',
}

export const FACT_NAMES: readonly string[] = [...Object.keys(FACTS), ...Object.keys(ALIASES)]

export function canonicalFact(written: string): FactName {
  return Object.hasOwn(ALIASES, written) ? ALIASES[written]! : written
}

export function aboutFact(fact: FactName): FactAbout | undefined {
  return Object.hasOwn(FACTS, fact) ? FACTS[fact] : undefined
}
