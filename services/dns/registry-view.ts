/** The fleet as DNS sees it: answer URLs by the lease that asks, and the names of machines. */
import type { Urls } from '../boot/urls.ts'
import { expectsAnswer } from '../boot/view.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import { workedOut } from '../kit/worked-out.ts'
import type { AttemptId, MachineId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import type { Site } from '../site/types.ts'
import type { LeaseRecord } from '../store/types.ts'
import type { DnsView } from './answer.ts'
import { listedName, machineNames, reportedAddress, reportedName } from './machine-names.ts'

export type DnsViewOptions = {
  registry: Registry
  site: Site
  urls: Urls
  /** Of the certificate that is served, for a machine that is told it now. */
  fingerprint: () => string
  macAt: (address: Ipv4) => Mac | undefined
  leaseOf: (mac: Mac) => LeaseRecord | undefined
}

export function registryDnsView(options: DnsViewOptions): DnsView {
  const { registry, site, urls, fingerprint, macAt } = options
  /** Of each machine the attempt whose look-up stands on the timeline already: dig asks several times. */
  const noted = new Map<MachineId, AttemptId>()
  const reserved = workedOut(
    () => [site.dhcp],
    () => reservedNames(site),
  )
  const names = machineNames(registry, site.domain, name => reserved().byName.has(name))

  const note = (id: MachineId, attempt: AttemptId, address: Ipv4): void => {
    registry.heard(id)
    if (noted.get(id) === attempt) return
    noted.set(id, attempt)
    registry.inBackground(id, registry.record(id, { type: 'answer-looked-up', attempt, address }, 'dns'))
  }

  return {
    answerFor(client) {
      const mac = macAt(client)
      const machine = mac && registry.byMac(mac)
      const attempt = machine && expectsAnswer(machine)
      // Where another server gives the addresses, an ISO booted from a stick finds its way here without an attempt that began: a URL without a token
      // lets it be seen, and served if it is approved.
      if (!attempt) return site.dhcp.mode === 'server' ? undefined : { url: urls.answer(), fingerprint: fingerprint() }
      note(machine.id, attempt, client)
      return { url: urls.answer(registry.token(attempt, 'answer')), fingerprint: fingerprint() }
    },
    addressOf(name) {
      const machine = names().named(name)
      return machine ? addressOf(machine, options) : reserved().byName.get(name)
    },
    nameOf(address) {
      const mac = macAt(address)
      const machine = mac ? registry.byMac(mac) : names().standingAt(address)
      return (machine && nameOf(machine, options)) ?? reserved().byAddress.get(address)
    },
    isAbove: name => names().isAbove(name),
  }
}

/** Reservations that have a name, both ways; they last as long as the site file says so. */
function reservedNames({ domain, dhcp }: Site): { byName: Map<string, Ipv4>; byAddress: Map<Ipv4, string> } {
  const named = dhcp.reservations.flatMap(({ name, address }) =>
    name ? [[`${name}.${domain}`.toLowerCase(), address] as const] : [],
  )
  return { byName: new Map(named), byAddress: new Map(named.map(([name, address]) => [address, name])) }
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
