/**
 * The DNS server of the appliance alone, as `serve` puts it together: with its log, its metrics and its budget for each client, which is larger
 * here, since the generator is a single client. Arguments: the address to serve, that of the generator, that of the upstream resolver.
 */
import { startDns } from '../../services/dns/server.ts'
import { systemClock } from '../../services/kit/clock.ts'
import { type Ipv4, parsePrefix } from '../../services/kit/ipv4.ts'
import { createLog } from '../../services/kit/pino-log.ts'
import { promMeter } from '../../services/kit/prom-meter.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { DOMAIN, INSTALLER, MACHINES, WRITTEN } from './dns-contenders.ts'
import { PREFIX, SERVER_DEVICE } from './network.ts'

const LEASE_SECONDS = 3600
const BUDGET = { perSecond: 1_000_000, burst: 2_000_000, clients: 4096 }
const FINGERPRINT = Array.from({ length: 32 }, () => 'AB').join(':')

const [address, client, upstream] = process.argv.slice(2) as [Ipv4, Ipv4, Ipv4]
const prefix = parsePrefix(PREFIX)!
const addresses = new Map(MACHINES.map(({ name, value }) => [name, value as Ipv4]))
const subnet = { prefix, pools: [], dns: [], ntp: [], relays: [], options: [] }

await startDns({
  udp: await openUdpPort({ device: SERVER_DEVICE, address, port: 53 }),
  openUpstream: openUdpPort,
  site: {
    domain: DOMAIN,
    network: { interface: SERVER_DEVICE, address, prefix },
    dns: { forward: [upstream], allow: [prefix], records: [...WRITTEN] },
    dhcp: {
      mode: 'server',
      answerOptions: true,
      otherServers: [],
      leaseSeconds: LEASE_SECONDS,
      authoritative: true,
      probe: false,
      proxyDelayMs: 0,
      subnetSelection: false,
      reservations: [],
      subnets: [subnet],
    },
  },
  view: {
    answerFor: asker => (asker === client ? { url: INSTALLER.value, fingerprint: FINGERPRINT } : undefined),
    addressOf: name => addresses.get(name),
    nameOf: () => undefined,
    isAbove: () => false,
  },
  clock: systemClock,
  log: createLog({ level: 'info', format: 'json' }),
  meter: promMeter(),
  budget: BUDGET,
})
process.stdout.write('dns is serving\n')
