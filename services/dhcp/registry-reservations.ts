/** Whose an address is: what the site reserves, what installed systems have written down, and what the registry knows of machines. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import { workedOut } from '../kit/worked-out.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import type { Site } from '../site/types.ts'
import type { ClientView, DhcpClient, Owner } from './fleet.ts'
import { type Found, Reservations } from './reservations.ts'

export type RegistryReservations = {
  /** What of the view is due to a reservation; `machine` is whose MAC it is, if anybody's. */
  reservationOf: (client: DhcpClient, machine: Machine | undefined) => Partial<ClientView>
  ownerOf: (address: Ipv4) => Owner | undefined
  addresses: () => ReadonlySet<Ipv4>
}

export function registryReservations({ registry, site }: { registry: Registry; site: Site }): RegistryReservations {
  const reservations = workedOut(
    () => [site.machines, site.dhcp],
    () => new Reservations(site),
  )

  /**
   * Whether a UUID of the site file may stand for the machine: an address for a NIC that was replaced, and nothing more. Not for a NIC that
   * is another machine's, and not while a system that was installed may use the address in silence: two boards may share one UUID.
   */
  const standsFor = (found: Found, mac: Mac): boolean => {
    if (!found.isMachine) return true
    const known = registry.byMac(mac)
    if (known && (known.attempts > 0 || registry.listing(known).from === 'machine')) return false
    const [first] = reservations().ownerOf(found.reservation.address)?.macs ?? []
    const state = first && registry.byMac(first)?.state
    return state !== 'installing' && state !== 'installed'
  }

  /** By MAC through what is known of the machine, else by whatever the message says. Never what somebody's installed system has as its own. */
  const reservationOf = (client: DhcpClient, machine: Machine | undefined): Partial<ClientView> => {
    const isFree = (address: Ipv4): boolean => {
      const holder = registry.byStaticAddress(address)
      if (!holder || holder.id !== machine?.id) return !holder
      // The installed system has it on one of its NICs: another one of a running system needs another address.
      return client.boot.stage !== 'system' || client.mac === holder.staticAddress?.nic
    }
    const own = machine && registry.listing(machine).address
    const found = reservations().find(client, one => isFree(one.reservation.address) && standsFor(one, client.mac))
    if (own && isFree(own) && found?.reservation.address !== own) {
      return { reservation: own, reservedBy: `mac ${client.mac}` }
    }
    if (!found) return {}
    const { reservation, by, isMachine } = found
    const { name, options } = reservation
    if (isMachine) return { reservation: reservation.address, reservedBy: by }
    return { reservation: reservation.address, reservedBy: by, options, ...(name ? { hostName: name } : {}) }
  }

  const ownerOf = (address: Ipv4): Owner | undefined => {
    const holder = registry.byStaticAddress(address)?.staticAddress
    return holder ? { macs: [holder.nic], keys: [] } : reservations().ownerOf(address)
  }

  const addresses = (): ReadonlySet<Ipv4> => new Set([...reservations().addresses(), ...registry.staticAddresses()])

  return { reservationOf, ownerOf, addresses }
}
