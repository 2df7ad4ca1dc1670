/** The reservations of the site by what they are found by: every look-up is a look into a map, and no identifier matches in part (G10). */
import type { Ipv4 } from '../kit/ipv4.ts'
import { isPlaceholderUuid } from '../site/identity.ts'
import type { Reservation, ReservationKey, Site } from '../site/types.ts'
import type { DhcpClient, Owner } from './fleet.ts'

/** A reservation, and the words for what it was found by. */
export type Found = { reservation: Reservation; by: string; isMachine: boolean }

function wordsOf(key: ReservationKey): string {
  return key.by === 'circuit-id' && key.relay ? `${key.by} ${key.value} of ${key.relay}` : `${key.by} ${key.value}`
}

/** What the client says, in the order in which it counts: what one NIC, then one machine, then one system, then one cable is. */
export function keysOf({ mac, uuid, clientId, circuit }: DhcpClient): string[] {
  return [
    wordsOf({ by: 'mac', value: mac }),
    // Many boards say one of these: it would give one address to whichever comes first.
    ...(uuid && !isPlaceholderUuid(uuid) ? [wordsOf({ by: 'machine-id', value: uuid })] : []),
    ...(clientId ? [wordsOf({ by: 'client-id', value: clientId })] : []),
    ...(circuit ? [wordsOf({ by: 'circuit-id', value: circuit.id, relay: circuit.relay })] : []),
    ...(circuit ? [wordsOf({ by: 'circuit-id', value: circuit.id })] : []),
  ]
}

export class Reservations {
  readonly #byKey = new Map<string, Found>()
  readonly #owners = new Map<Ipv4, Owner>()

  /** Those of `[[dhcp.reservation]]`, and machines of the site by their UUID; machines by MAC are the registry's to know. */
  constructor({ machines, dhcp }: { machines: Site['machines']; dhcp: Pick<Site['dhcp'], 'reservations'> }) {
    for (const reservation of dhcp.reservations) {
      const { key, address } = reservation
      const by = wordsOf(key)
      this.#byKey.set(by, { reservation, by, isMachine: false })
      this.#owners.set(address, key.by === 'mac' ? { macs: [key.value], keys: [] } : { macs: [], keys: [by] })
    }
    for (const { macs, uuid, address } of machines) {
      if (!address) continue
      const key: ReservationKey | undefined = uuid ? { by: 'machine-id', value: uuid } : undefined
      this.#owners.set(address, { macs, keys: key ? [wordsOf(key)] : [] })
      if (!key) continue
      const by = wordsOf(key)
      this.#byKey.set(by, { reservation: { address, key, options: [] }, by, isMachine: true })
    }
  }

  /** The first that the client matches and that `accepts` lets through. */
  find(client: DhcpClient, accepts: (found: Found) => boolean): Found | undefined {
    if (this.#byKey.size === 0) return undefined
    for (const key of keysOf(client)) {
      const found = this.#byKey.get(key)
      if (found && accepts(found)) return found
    }
    return undefined
  }

  addresses(): Iterable<Ipv4> {
    return this.#owners.keys()
  }

  ownerOf(address: Ipv4): Owner | undefined {
    return this.#owners.get(address)
  }
}
