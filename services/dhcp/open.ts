/** All of DHCP over the sockets of an appliance: as server or as proxy on port 67, the boot server's port, and the watch for other servers on port 68. */
import { networkInterfaces } from 'node:os'
import type { LoaderNames } from '../boot/plan.ts'
import type { Urls } from '../boot/urls.ts'
import { type AddressProbe, openAddressProbe } from '../kit/address-probe.ts'
import type { Alarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { DatagramPort } from '../kit/datagram-port.ts'
import type { Log } from '../kit/log.ts'
import { parseMac } from '../kit/mac.ts'
import type { Meter } from '../kit/meter.ts'
import { interfaceMtu } from '../kit/native-socket.ts'
import type { Problem } from '../kit/problem.ts'
import { repeat } from '../kit/repeat.ts'
import type { Registry } from '../machine/registry.ts'
import { hasFarSubnets } from '../site/networks.ts'
import type { Site } from '../site/types.ts'
import type { LeaseStore } from '../store/types.ts'
import { dhcpCounts } from './counts.ts'
import { registryFleet } from './registry-fleet.ts'
import { serveBoot } from './serve-boot.ts'
import { ServerWatch } from './server-watch.ts'
import { type DhcpServer, startDhcp } from './server.ts'

export type DhcpGround = {
  /** Read at each message, but for the interface, its address and the mode: those last as long as the sockets. */
  site: Site
  sockets: { dhcp?: DatagramPort; bootServer?: DatagramPort; dhcpWatch?: DatagramPort | Problem }
  leases: LeaseStore
  registry: Registry
  urls: Urls
  /** Of the certificate that is served, for a machine that is told it now. */
  fingerprint: () => string
  loaders: LoaderNames
  alarms: Alarms
  clock: Clock
  log: Log
  meter: Meter
}

/** The server, if there is one, knows the leases; the watch hears port 68. */
export type OpenDhcp = { server?: DhcpServer; watch: ServerWatch | undefined }

const POOLS_MS = 30_000
/** Ethernet's, should the interface be gone. */
const MTU_BYTES = 1500

/** Looks at addresses: before they are offered, where the site wants that, and at those of other servers. */
function openProbe({ site, log, clock }: DhcpGround): Promise<AddressProbe> {
  const { mode, probe, subnets } = site.dhcp
  const isFar = probe && hasFarSubnets({ own: site.network.prefix, subnets })
  // Networks behind relay agents may come with a reload.
  const pings = mode === 'server' ? (isFar ? 'needed' : 'perhaps') : 'never'
  return openAddressProbe(site.network, { clock, log, pings })
}

function watchServers({ site, sockets, alarms, log, clock }: DhcpGround, probe: AddressProbe): ServerWatch | undefined {
  const { dhcp, network } = site
  const mac = parseMac(networkInterfaces()[network.interface]?.[0]?.mac ?? '')
  if (!sockets.dhcpWatch || !mac || dhcp.mode === 'off') return undefined
  const expected = {
    mode: dhcp.mode,
    ours: network.address,
    get others() {
      return site.dhcp.otherServers
    },
    get relays() {
      return site.dhcp.subnets.flatMap(subnet => subnet.relays)
    },
  }
  return new ServerWatch({ port: sockets.dhcpWatch, mac, expected, probe, link: network.prefix, alarms, log, clock })
}

/** What is opened is closed by what is put into `closing`. */
export async function openDhcp(ground: DhcpGround, closing: (() => Promise<void>)[]): Promise<OpenDhcp> {
  const { site, sockets, clock, log, meter, alarms } = ground
  if (!sockets.dhcp || !sockets.bootServer) return { watch: undefined }
  const fleet = registryFleet(ground)
  const probe = await openProbe(ground)
  closing.push(() => probe.close())
  const watch = watchServers(ground, probe)
  if (watch) closing.push(() => watch.close())
  const seen = watch ? { watch } : {}
  const mtu = interfaceMtu(site.network.interface) ?? MTU_BYTES
  const common = { site, httpPort: site.http.port, mtu, fleet, alarms, counts: dhcpCounts(meter), clock, log, ...seen }
  const bootServer = serveBoot({ ...common, port: sockets.bootServer, as: 'boot-server' })
  closing.push(() => bootServer.close())
  if (site.dhcp.mode === 'proxy') {
    const proxy = serveBoot({ ...common, port: sockets.dhcp, as: 'proxy' })
    closing.push(() => proxy.close())
    watch?.start()
    return { watch }
  }
  const server = await startDhcp({ ...common, meter, port: sockets.dhcp, store: ground.leases, probe })
  closing.push(() => server.close())
  const failed = (error: unknown) => log.error({ error: String(error) }, 'the look at the pools failed')
  closing.push(repeat(clock, POOLS_MS, async () => server.watchPools(), failed))
  watch?.start()
  return { server, watch }
}
