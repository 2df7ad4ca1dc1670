/** Who is known by which MAC, UUID and serial number: whoever had it first keeps it, and what the site file lists belongs to its entry. */
import type { Mac } from '../kit/mac.ts'
import type { ListedMachine, Site } from '../site/types.ts'
import type { MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'

const CLAIMED = ['uuid', 'serial'] as const

export class Identities {
  readonly #macs = new Map<Mac, MachineId>()
  readonly #claims = { uuid: new Map<string, MachineId>(), serial: new Map<string, MachineId>() }
  readonly #listed = { uuid: new Map<string, ListedMachine>(), serial: new Map<string, ListedMachine>() }

  constructor(site: Pick<Site, 'machines'>) {
    this.use(site)
  }

  /** What the site file lists is what this one lists; who had what first stays. */
  use({ machines }: Pick<Site, 'machines'>): void {
    for (const by of CLAIMED) this.#listed[by].clear()
    for (const entry of machines)
      for (const by of CLAIMED) if (entry[by]) this.#listed[by].set(entry[by].toLowerCase(), entry)
  }

  /** Takes notice of a machine that is new or has changed, or is no more. */
  follow(before: Machine | undefined, after: Machine | undefined): void {
    const macs = new Set(after?.macs)
    for (const mac of before?.macs ?? [])
      if (!macs.has(mac) && this.#macs.get(mac) === before?.id) this.#macs.delete(mac)
    for (const mac of macs) if (after && !this.#macs.has(mac)) this.#macs.set(mac, after.id)
    for (const by of CLAIMED) {
      const [old, now] = [before?.[by]?.toLowerCase(), after?.[by]?.toLowerCase()]
      const claims = this.#claims[by]
      if (old !== undefined && old !== now && claims.get(old) === before?.id) claims.delete(old)
      if (now !== undefined && after && !claims.has(now)) claims.set(now, after.id)
    }
  }

  /** Which of UUID and serial number are its own, in words for its snapshot. */
  holdsOf(machine: Machine): string {
    const isIts = (by: (typeof CLAIMED)[number]): boolean =>
      this.#claims[by].get(machine[by]?.toLowerCase() ?? '') === machine.id
    return CLAIMED.filter(isIts).join()
  }

  /** Takes notice of a machine as it was kept: who had what first is not asked again. */
  restore(machine: Machine, holds: string): void {
    for (const mac of machine.macs) if (!this.#macs.has(mac)) this.#macs.set(mac, machine.id)
    for (const by of CLAIMED) {
      const value = machine[by]?.toLowerCase()
      if (value !== undefined && holds.split(',').includes(by)) this.#claims[by].set(value, machine.id)
    }
  }

  ofMac(mac: Mac): MachineId | undefined {
    return this.#macs.get(mac)
  }

  /** An entry of the site file that has this UUID or serial number, else the machine that said it first. In any case of letters. */
  holderOf(by: (typeof CLAIMED)[number], value: string): ListedMachine | MachineId | undefined {
    const wanted = value.toLowerCase()
    return this.#listed[by].get(wanted) ?? this.#claims[by].get(wanted)
  }
}
