/** What a person may type for a machine, and who that is. What has changed since somebody last asked is looked at then, and nothing else. Pure. */
import type { MachineId } from './event.ts'
import type { KnownMachines } from './known.ts'
import type { Machine } from './lifecycle.ts'
import type { Listing } from './listing.ts'

/** No separators of a MAC: it is known by its digits alone. */
const digitsOf = (mac: string): string => `mac ${mac.replaceAll(/[:.-]/g, '')}`
const wordOf = (text: string): string => `word ${text}`

/** Host name, FQDN, MAC in any spelling, serial number, or address; in any case of letters. */
function keysOf(machine: Machine, { name, fqdn, serial, address }: Listing): Set<string> {
  const words = [name, fqdn, serial, address, machine.serial, machine.address, machine.installed?.fqdn]
  return new Set([
    ...words.filter(word => word !== undefined).map(word => wordOf(word.toLowerCase())),
    ...machine.macs.map(digitsOf),
  ])
}

const NOBODY: ReadonlySet<MachineId> = new Set()

export class Directory {
  readonly #known: Pick<KnownMachines, 'all' | 'get' | 'takeNews'>
  readonly #listing: (machine: Machine) => Listing
  readonly #keys = new Map<MachineId, Set<string>>()
  readonly #ids = new Map<string, MachineId | Set<MachineId>>()

  constructor(known: Pick<KnownMachines, 'all' | 'get' | 'takeNews'>, listing: (machine: Machine) => Listing) {
    this.#known = known
    this.#listing = listing
  }

  /** Takes notice of what has changed. */
  learn(): void {
    for (const id of this.#known.takeNews()) {
      const machine = this.#known.get(id)
      const before = this.#keys.get(id) ?? new Set()
      const keys = machine ? keysOf(machine, this.#listing(machine)) : new Set<string>()
      for (const key of before.difference(keys)) this.#drop(key, id)
      for (const key of keys.difference(before)) this.#add(key, id)
      if (machine) this.#keys.set(id, keys)
      else this.#keys.delete(id)
    }
  }

  /** Everybody who is meant, in the order in which they became known. */
  find(query: string): Machine[] {
    this.learn()
    const wanted = query.trim().toLowerCase()
    const found = this.#at(wordOf(wanted)).union(this.#at(digitsOf(wanted)))
    if (found.size > 1) return this.#known.all().filter(({ id }) => found.has(id))
    return [...found].map(id => this.#known.get(id)!)
  }

  #at(key: string): ReadonlySet<MachineId> {
    const found = this.#ids.get(key)
    if (found === undefined) return NOBODY
    return typeof found === 'string' ? new Set([found]) : found
  }

  #add(key: string, id: MachineId): void {
    const found = this.#ids.get(key)
    this.#ids.set(key, found === undefined ? id : new Set([...this.#at(key), id]))
  }

  /** Nearly every word is one machine's, and then its id stands for the set. */
  #drop(key: string, id: MachineId): void {
    const [one, ...others] = [...this.#at(key)].filter(other => other !== id)
    if (one === undefined) this.#ids.delete(key)
    else this.#ids.set(key, others.length === 0 ? one : new Set([one, ...others]))
  }
}
