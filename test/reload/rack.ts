/** An appliance in memory as far as a site file decides: fleet, DHCP and DNS over a fake LAN; its state can be copied, and started again elsewhere. */
import { urlsOf } from '../../services/boot/urls.ts'
import { decode, encode } from '../../services/dhcp/codec.ts'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { registryFleet } from '../../services/dhcp/registry-fleet.ts'
import { type DhcpServer, startDhcp } from '../../services/dhcp/server.ts'
import { registryDnsView } from '../../services/dns/registry-view.ts'
import { startDns } from '../../services/dns/server.ts'
import type { Datagram } from '../../services/kit/datagram-port.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { silentLog } from '../../services/kit/log.ts'
import { silentMeter } from '../../services/kit/meter.ts'
import { Registry } from '../../services/machine/registry.ts'
import { LiveSite } from '../../services/site/live-site.ts'
import type { Site } from '../../services/site/types.ts'
import { MemoryStore } from '../dhcp/rig.ts'
import { ask } from '../dns/rig.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { KEY, MemoryEvents } from '../machine/rig.ts'

const OURS = '10.77.0.1' as Ipv4
const ANY = '0.0.0.0' as Ipv4
const ALL = '255.255.255.255' as Ipv4
const CLIENT = '10.77.0.50' as Ipv4
const LOADERS = new Set(['undionly.kpxe', 'snponly.efi'])

export class Rack {
  readonly site: LiveSite
  readonly clock: FakeClock
  readonly events: MemoryEvents
  readonly leases: MemoryStore
  readonly lan = new FakeLan({ eth1: OURS, machine: CLIENT })
  registry!: Registry
  dhcp!: DhcpServer
  #heard: Datagram[] = []
  #say!: (port: 67 | 53, bytes: Uint8Array) => void

  private constructor(site: Site, clock: FakeClock, events: MemoryEvents, leases: MemoryStore) {
    this.site = new LiveSite(site)
    this.clock = clock
    this.events = events
    this.leases = leases
  }

  static async start(
    site: Site,
    clock = new FakeClock(),
    events = new MemoryEvents(),
    leases = new MemoryStore(),
  ): Promise<Rack> {
    const rack = new Rack(site, clock, events, leases)
    await rack.#open()
    return rack
  }

  /** As if it stopped now, and another process began on a copy of its state. */
  restartedWith(site: Site): Promise<Rack> {
    const events = new MemoryEvents()
    for (const row of this.events.rows) events.rows.push({ ...row })
    events.kept.forgotten = [...this.events.kept.forgotten]
    events.continueAt(this.events)
    const leases = new MemoryStore()
    for (const [address, record] of this.leases.records) leases.records.set(address, record)
    return Rack.start(site, new FakeClock(this.clock.now()), events, leases)
  }

  async reload(site: Site): Promise<void> {
    this.site.use(site)
    await this.registry.useSite()
  }

  /** What is heard in return. */
  async tell(message: DhcpMessage): Promise<DhcpMessage[]> {
    const heard = await this.#exchange(67, encode(message, { maxBytes: 1472 }))
    return heard.map(bytes => decode(bytes) as DhcpMessage)
  }

  lookUp(name: string, type: number): Promise<Uint8Array[]> {
    return this.#exchange(53, ask({ name, type }))
  }

  async #exchange(port: 67 | 53, bytes: Uint8Array): Promise<Uint8Array[]> {
    this.#heard = []
    this.#say(port, bytes)
    await this.lan.settle()
    return this.#heard.map(datagram => datagram.bytes)
  }

  async #open(): Promise<void> {
    const { site, clock, lan } = this
    this.registry = await Registry.open({ site, store: this.events, key: KEY, clock, log: silentLog })
    const common = { registry: this.registry, site, urls: urlsOf(site), fingerprint: () => 'AB'.repeat(32) }
    const fleet = registryFleet({ ...common, loaders: LOADERS, clock })
    const port = await lan.open({ device: 'eth1', address: ANY, port: 67 })
    const io = { clock, log: silentLog }
    this.dhcp = await startDhcp({ port, site, httpPort: 80, mtu: 1500, store: this.leases, fleet, ...io })
    const { dhcp } = this
    const view = registryDnsView({
      ...common,
      macAt: address => dhcp.macAt(address),
      leaseOf: mac => dhcp.leaseOf(mac),
    })
    const udp = await lan.open({ device: 'eth1', address: OURS, port: 53 })
    await startDns({ udp, openUpstream: lan.open, site, view, meter: silentMeter, ...io })
    await this.#openClient()
  }

  async #openClient(): Promise<void> {
    const broadcast = await this.lan.open({ device: 'machine', address: ANY, port: 68 })
    const resolver = await this.lan.open({ device: 'machine', address: CLIENT, port: 5353 })
    for (const wire of [broadcast, resolver]) wire.onDatagram(datagram => this.#heard.push(datagram))
    this.#say = (port, bytes) =>
      port === 67 ? broadcast.send(bytes, { address: ALL, port }) : resolver.send(bytes, { address: OURS, port })
  }
}
