/** What machines are called and where they stand, by name and by address: worked out again only when one of them is called otherwise. */
import { type Ipv4, parseIpv4 } from '../kit/ipv4.ts'
import type { MachineId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import { foldCase, isHostName, parentOf, relativeTo } from './name.ts'

/** Machines by every full name, by the address that is theirs without a lease; and whether some name is below this one. */
export type MachineNames = {
  named(name: string): Machine | undefined
  standingAt(address: Ipv4): Machine | undefined
  isAbove(name: string): boolean
}

/** A machine as it was looked at last, and what it was called then. */
type Known = { machine: Machine; called: string }
type Tables = { byName: Map<string, MachineId>; byAddress: Map<string, MachineId>; above: Set<string> }

/** `isTaken`: names that the site gives to something else than a machine; no machine has one by its own report. */
export function machineNames(
  registry: Registry,
  domain: string,
  isTaken: (name: string) => boolean,
): () => MachineNames {
  const known = new Map<MachineId, Known>()
  let version: number | undefined
  let tables: Tables | undefined
  const current = (id: MachineId | undefined): Machine | undefined => (id ? known.get(id)?.machine : undefined)
  const names: MachineNames = {
    named: name => current(tables?.byName.get(name)),
    standingAt: address => current(tables?.byAddress.get(address)),
    isAbove: name => tables?.above.has(name) ?? false,
  }
  return () => {
    if (version === registry.version) return names
    version = registry.version
    // Most of what happens to a machine has nothing to do with its name, and a rack that boots has a hundred events a second.
    if (lookAgain(registry, known) || !tables) tables = workOut(registry, foldCase(domain), isTaken)
    return names
  }
}

/** Takes note of every machine that has changed; whether any is called otherwise or gone. */
function lookAgain(registry: Registry, known: Map<MachineId, Known>): boolean {
  const machines = registry.machines()
  let otherwise = false
  for (const machine of machines) {
    const before = known.get(machine.id)
    if (before?.machine === machine) continue
    const called = calledNow(machine, registry)
    known.set(machine.id, { machine, called })
    otherwise ||= called !== before?.called
  }
  if (known.size === machines.length) return otherwise
  const there = new Set(machines.map(({ id }) => id))
  for (const id of known.keys()) if (!there.has(id)) known.delete(id)
  return true
}

function calledNow(machine: Machine, registry: Registry): string {
  const { address } = registry.listing(machine)
  return [listedName(machine, registry), reportedName(machine), address, reportedAddress(machine)].join(' ')
}

function workOut(registry: Registry, domain: string, isTaken: (name: string) => boolean): Tables {
  const tables: Tables = { byName: new Map(), byAddress: new Map(), above: new Set() }
  const machines = registry.machines()
  const call = ({ id }: Machine, name: string | undefined): void => {
    // Two machines of one name: the one that was known first keeps it.
    if (!name || tables.byName.has(name) || relativeTo(name, domain) === undefined) return
    tables.byName.set(name, id)
    for (let above = parentOf(name); above !== domain && above !== ''; above = parentOf(above)) tables.above.add(above)
  }
  const stand = ({ id }: Machine, address: string | undefined): void => {
    if (address && !tables.byAddress.has(address)) tables.byAddress.set(address, id)
  }
  // What the site calls a machine goes before what another machine says of itself.
  for (const machine of machines) call(machine, listedName(machine, registry))
  for (const machine of machines) {
    const name = reportedName(machine)
    if (name && !isTaken(name)) call(machine, name)
  }
  for (const machine of machines) stand(machine, registry.listing(machine).address)
  for (const machine of machines) stand(machine, reportedAddress(machine))
  return tables
}

export function listedName(machine: Machine, registry: Registry): string | undefined {
  return registry.listing(machine).fqdn?.toLowerCase()
}

export function reportedName({ state, installed }: Machine): string | undefined {
  const name = state === 'installed' ? installed?.fqdn?.toLowerCase().replace(/\.$/, '') : undefined
  return name?.includes('.') && isHostName(name) ? name : undefined
}

/** Reported with the length of its mask, or without. */
export function reportedAddress({ state, installed }: Machine): Ipv4 | undefined {
  return state === 'installed' ? parseIpv4(installed?.address?.split('/')[0] ?? '') : undefined
}
