/** The fleet as DNS sees it: answer URLs by the lease that asks, and the names of machines. */
import type { Urls } from '../boot/urls.ts'
import { expectsAnswer } from '../boot/view.ts'
import { type Ipv4, parseIpv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { AttemptId, MachineId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import type { Site } from '../site/types.ts'
import type { LeaseRecord } from '../store/types.ts'
import type { DnsView } from './answer.ts'
import { foldCase, isHostName, parentOf, relativeTo } from './name.ts'

export type DnsViewOptions = {
  registry: Registry
  site: Site
  urls: Urls
  fingerprint: string
  macAt: (address: Ipv4) => Mac | undefined
  leaseOf: (mac: Mac) => LeaseRecord | undefined
}

export function registryDnsView(options: DnsViewOptions): DnsView {
  const { registry, site, urls, fingerprint, macAt } = options
  /** Attempts whose look-up stands on the timeline already: dig asks several times. */
  const noted = new Set<string>()
  const names = namesOf(options)
  const reserved = reservedNames(site)

  const note = (id: MachineId, attempt: AttemptId, address: Ipv4): void => {
    registry.heard(id)
    if (noted.has(attempt)) return
    noted.add(attempt)
    registry.inBackground(registry.record(id, { type: 'answer-looked-up', attempt, address }, 'dns'))
  }

  return {
    answerFor(client) {
      const mac = macAt(client)
      const machine = mac && registry.byMac(mac)
      const attempt = machine && expectsAnswer(machine)
      // Where another server gives the addresses, an ISO booted from a stick finds its way here without an attempt that began: a URL without a token
      // lets it be seen, and served if it is approved.
      if (!attempt) return site.dhcp.mode === 'server' ? undefined : { url: urls.answer(), fingerprint }
      note(machine.id, attempt, client)
      return { url: urls.answer(registry.token(attempt, 'answer')), fingerprint }
    },
    addressOf(name) {
      const machine = names().byName.get(name)
      return machine ? addressOf(machine, options) : reserved.byName.get(name)
    },
    nameOf(address) {
      const mac = macAt(address)
      const machine = mac ? registry.byMac(mac) : names().byAddress.get(address)
      return (machine && nameOf(machine, options)) ?? reserved.byAddress.get(address)
    },
    isAbove: name => names().above.has(name),
  }
}

/** Reservations that have a name, both ways; they last as long as the site file says so. */
function reservedNames({ domain, dhcp }: Site): { byName: Map<string, Ipv4>; byAddress: Map<Ipv4, string> } {
  const named = dhcp.reservations.flatMap(({ name, address }) =>
    name ? [[`${name}.${domain}`.toLowerCase(), address] as const] : [],
  )
  return { byName: new Map(named), byAddress: new Map(named.map(([name, address]) => [address, name])) }
}

/** Machines by every full name and by the address that is theirs without a lease; and the names that only have names below them. */
type Names = { byName: Map<string, Machine>; byAddress: Map<string, Machine>; above: Set<string> }

/** Worked out once for as long as no machine changes: DNS is asked far more often than that happens. */
function namesOf({ registry, site }: DnsViewOptions): () => Names {
  let version: number | undefined
  let names: Names
  return () => {
    if (version !== registry.version) {
      version = registry.version
      names = workOut(registry, foldCase(site.domain))
    }
    return names
  }
}

function workOut(registry: Registry, domain: string): Names {
  const names: Names = { byName: new Map(), byAddress: new Map(), above: new Set() }
  const machines = registry.machines()
  const call = (machine: Machine, name: string | undefined): void => {
    // Two machines of one name: the one that was known first keeps it.
    if (!name || names.byName.has(name) || relativeTo(name, domain) === undefined) return
    names.byName.set(name, machine)
    for (let above = parentOf(name); above !== domain && above !== ''; above = parentOf(above)) names.above.add(above)
  }
  const stand = (machine: Machine, address: string | undefined): void => {
    if (address && !names.byAddress.has(address)) names.byAddress.set(address, machine)
  }
  // What the site calls a machine goes before what another machine says of itself.
  for (const machine of machines) call(machine, listedName(machine, registry))
  for (const machine of machines) call(machine, reportedName(machine))
  for (const machine of machines) stand(machine, registry.listing(machine).address)
  for (const machine of machines) stand(machine, reportedAddress(machine))
  return names
}

/** A finished machine is where it said it is, else where its lease says, else where the site will have it. */
function addressOf(machine: Machine, { registry, leaseOf }: DnsViewOptions): Ipv4 | undefined {
  const lease = machine.macs.map(mac => leaseOf(mac)).find(record => record !== undefined)
  return reportedAddress(machine) ?? lease?.address ?? registry.listing(machine).address
}

/** What a finished machine is called is what its own answer made of it. */
function nameOf(machine: Machine, { registry }: DnsViewOptions): string | undefined {
  return reportedName(machine) ?? listedName(machine, registry)
}

function listedName(machine: Machine, registry: Registry): string | undefined {
  return registry.listing(machine).fqdn?.toLowerCase()
}

function reportedName({ state, installed }: Machine): string | undefined {
  const name = state === 'installed' ? installed?.fqdn?.toLowerCase().replace(/\.$/, '') : undefined
  return name?.includes('.') && isHostName(name) ? name : undefined
}

/** Reported with the length of its mask, or without. */
function reportedAddress({ state, installed }: Machine): Ipv4 | undefined {
  return state === 'installed' ? parseIpv4(installed?.address?.split('/')[0] ?? '') : undefined
}
