/** Addresses that installed systems have written down for good, by address: DHCP asks for each address that it looks at. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'

export class StaticAddresses {
  readonly #holders = new Map<Ipv4, MachineId>()

  /** Takes notice of a machine that is new or has changed, or is no more. */
  follow(before: Machine | undefined, after: Machine | undefined): void {
    const former = before?.staticAddress?.address
    if (former && this.#holders.get(former) === before.id) this.#holders.delete(former)
    if (after?.staticAddress) this.#holders.set(after.staticAddress.address, after.id)
  }

  addresses(): Iterable<Ipv4> {
    return this.#holders.keys()
  }

  holderOf(address: Ipv4): MachineId | undefined {
    return this.#holders.get(address)
  }
}
