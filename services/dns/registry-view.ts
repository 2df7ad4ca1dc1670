/** The fleet as DNS sees it: answer URLs by the lease that asks, and the names of machines. */
import type { Urls } from '../boot/urls.ts'
import { expectsAnswer } from '../boot/view.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { AttemptId, MachineId } from '../machine/event.ts'
import type { Registry } from '../machine/registry.ts'
import type { Site } from '../site/types.ts'
import type { LeaseRecord } from '../store/types.ts'
import type { DnsView } from './answer.ts'

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

  const note = (id: MachineId, attempt: AttemptId, address: Ipv4): void => {
    registry.heard(id)
    if (noted.has(attempt)) return
    noted.add(attempt)
    registry.inBackground(registry.record(id, { type: 'answer-looked-up', attempt, address }, 'dns'))
  }

  return {
    answerFor(client) {
      // Where another server gives addresses nobody's lease is known here: the URL carries no token, and the answer rests on the other checks.
      if (site.dhcp.mode !== 'server') return { url: urls.answer(), fingerprint }
      const mac = macAt(client)
      const machine = mac && registry.byMac(mac)
      const attempt = machine && expectsAnswer(machine)
      if (!attempt) return undefined
      note(machine.id, attempt, client)
      return { url: urls.answer(registry.token(attempt, 'answer')), fingerprint }
    },
    addressOf(host) {
      const machine = registry.machines().find(candidate => registry.listing(candidate).name === host)
      if (!machine) return undefined
      const lease = machine.macs.map(mac => options.leaseOf(mac)).find(record => record !== undefined)
      return lease?.address ?? registry.listing(machine).address
    },
    nameOf(address) {
      const mac = macAt(address)
      const machine = mac
        ? registry.byMac(mac)
        : registry.machines().find(candidate => registry.listing(candidate).address === address)
      return machine && registry.listing(machine).name
    },
  }
}
