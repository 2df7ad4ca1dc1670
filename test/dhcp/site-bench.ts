/** DHCP over a real registry of a site file, in memory: `respond` with its changes carried out and its facts told. */
import { urlsOf } from '../../services/boot/urls.ts'
import type { Decision, DhcpView } from '../../services/dhcp/decision.ts'
import type { DhcpFleet } from '../../services/dhcp/fleet.ts'
import { LeaseTable } from '../../services/dhcp/lease-table.ts'
import { type DhcpMessage } from '../../services/dhcp/message.ts'
import { registryFleet } from '../../services/dhcp/registry-fleet.ts'
import { respond } from '../../services/dhcp/respond.ts'
import type { Trouble } from '../../services/kit/alarms.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { Site } from '../../services/site/types.ts'
import { Fleet, siteOf } from '../machine/rig.ts'
import { dhcp, type Said } from './messages.ts'

export class SiteBench {
  readonly rig: Fleet
  table!: LeaseTable
  fleet!: DhcpFleet
  readonly alarms: Trouble[] = []
  #view!: DhcpView
  #xid = 0

  private constructor(rig: Fleet) {
    this.rig = rig
  }

  static async open(site: Site = siteOf()): Promise<SiteBench> {
    const bench = new SiteBench(new Fleet(site))
    await bench.restart(site)
    return bench
  }

  /** The process ends and another one begins on the same state, perhaps with another site file. */
  async restart(site = this.rig.site): Promise<void> {
    await this.rig.restart(site)
    const { address, prefix } = site.network
    const { leaseSeconds, authoritative, subnets, subnetSelection } = site.dhcp
    const kept = this.table?.all() ?? []
    this.table = new LeaseTable(subnets, address)
    this.table.load(kept, this.now)
    this.fleet = registryFleet({
      registry: this.rig.registry,
      site,
      urls: urlsOf(site),
      fingerprint: () => 'AB'.repeat(32),
      loaders: new Set(['undionly.kpxe', 'snponly.efi']),
      clock: this.rig.clock,
      alarms: { raise: trouble => this.alarms.push(trouble) > 0 },
    })
    const { domain } = site
    const server = { address, prefix, domain, leaseSeconds, authoritative, subnets, subnetSelection, httpPort: 80 }
    this.#view = { server, leases: this.table, fleet: this.fleet }
  }

  get now(): number {
    return this.rig.clock.now()
  }

  decide(message: DhcpMessage): Decision {
    this.table.expireHolds(this.now)
    const decision = respond(message, this.#view, this.now)
    for (const change of decision.changes) {
      if (change.change === 'hold') this.table.hold(change.mac, change.address, this.now, change.standing)
      if (change.change === 'unhold') this.table.unhold(change.mac)
      if (change.change === 'put') {
        this.table.put(change.record, message.xid)
        this.table.unhold(change.record.mac)
      }
    }
    const { client, address } = decision
    if (decision.do === 'reply' && decision.type === 'ack' && client && address) {
      this.fleet.tell({ fact: 'acknowledged', client, address, plan: decision.said.plan })
    }
    return decision
  }

  /** Kind, reason, address and notes, as a test writes them down. */
  outcome(type: 'discover' | 'request' | 'release', said: Said = {}): string {
    const decision = this.decide(dhcp(type, { xid: (this.#xid += 1), ...said }))
    const kind = decision.do === 'reply' ? decision.type : 'silence'
    const notes = decision.do === 'reply' ? decision.notes : []
    return [kind, decision.reason, decision.address, ...notes].filter(Boolean).join(' ')
  }

  /** DISCOVER, then REQUEST of what was offered: the reason of the offer, and the address that was acknowledged. */
  boot(said: Said = {}): string {
    const [kind, reason, wants, ...notes] = this.outcome('discover', said).split(' ')
    if (kind !== 'offer') return `${kind} ${reason}`
    const [ack, , address] = this.outcome('request', {
      ...said,
      wants: wants!,
      server: this.rig.site.network.address,
    }).split(' ')
    return [ack, reason, address, ...notes].join(' ')
  }

  addressOf(mac: Mac): string | undefined {
    return this.table.ofMac(mac)?.address
  }
}
