/** The DHCP servers that are measured, each set up as its own manual says, with a pool that holds every machine. */
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'
import { applianceIn, DOMAIN } from './appliance.ts'
import { CLIENT_ADDRESS, PREFIX, SERVER_ADDRESS, SERVER_DEVICE } from './network.ts'
import type { Contender } from './rounds.ts'

const POOL = { first: '10.89.0.0', last: '10.90.255.255' }
const LEASE_SECONDS = 3600

/** The ISO that the appliance has: what follows the last file of an image is nobody's, and a sparse file costs no disk. */
export const ISO = 'proxmox-ve_9.2-1.iso'
export const ISO_BYTES = 1_600_000_000

const DHCP = `[dhcp]
lease-time = "${LEASE_SECONDS}s"
probe = false
[[dhcp.subnet]]
prefix = "${PREFIX}"
pools = ["${POOL.first}-${POOL.last}"]
relays = ["${CLIENT_ADDRESS}"]`

/** The whole appliance as it is shipped: every ACK durable before it leaves, every reply a line in the log. */
export const rackrise: Contender = {
  name: 'rackrise',
  async prepare(folder) {
    await buildStandIn({ folder: join(folder, 'isos'), kind: 'small' })
    truncateSync(join(folder, 'isos', ISO), ISO_BYTES)
    return applianceIn(folder, DHCP)
  },
}

function keaConfiguration(folder: string, threads: number, severity: string): unknown {
  return {
    Dhcp4: {
      'interfaces-config': { interfaces: [SERVER_DEVICE], 'dhcp-socket-type': 'udp' },
      'lease-database': { type: 'memfile', persist: true, name: join(folder, 'leases.csv') },
      'multi-threading': { 'enable-multi-threading': true, 'thread-pool-size': threads, 'packet-queue-size': 64 },
      'valid-lifetime': LEASE_SECONDS,
      'option-data': [
        { name: 'domain-name-servers', data: SERVER_ADDRESS },
        { name: 'domain-name', data: DOMAIN },
      ],
      subnet4: [{ subnet: PREFIX, pools: [{ pool: `${POOL.first}-${POOL.last}` }] }],
      loggers: [{ name: 'kea-dhcp4', severity, output_options: [{ output: 'stdout' }] }],
    },
  }
}

/** Its lease file is written and not flushed: what it acknowledged last is lost with the power. */
function kea(name: string, severity: string): Contender {
  return {
    name,
    async prepare(folder) {
      const file = join(folder, 'kea.json')
      writeFileSync(file, JSON.stringify(keaConfiguration(folder, 2, severity)))
      const environment = { KEA_PIDFILE_DIR: folder, KEA_LOCKFILE_DIR: folder }
      return { command: ['kea-dhcp4', '-c', file], environment, ready: /DHCP4_MULTI_THREADING_INFO/ }
    },
  }
}

/** As Debian ships it: it tells every lease, as the appliance does. */
export const keaTelling = kea('kea, 2 threads', 'INFO')
/** Warnings only. */
export const keaSilent = kea('kea, 2 threads, no log', 'WARN')

export const dnsmasq: Contender = {
  name: 'dnsmasq, lease file',
  async prepare(folder) {
    const about = ['--port=0', '--no-daemon', '--conf-file=/dev/null', '--user=root', '--bind-interfaces']
    const where = [`--interface=${SERVER_DEVICE}`, `--dhcp-leasefile=${join(folder, 'leases')}`]
    const range = `--dhcp-range=${POOL.first},${POOL.last},255.252.0.0,${LEASE_SECONDS}`
    const how = ['--dhcp-authoritative', '--no-ping', '--quiet-dhcp', '--dhcp-lease-max=200000', `--domain=${DOMAIN}`]
    return { command: ['dnsmasq', ...about, ...where, range, ...how], ready: /DHCP, IP range/ }
  },
}
