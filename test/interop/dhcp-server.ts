/**
 * The DHCP server on a real socket, as a process of its own so that it can stand in a network namespace: device, and what its site is, as JSON.
 * Writes its log as lines of JSON. Ends when its input ends.
 */
import { type DhcpOptions, startDhcp } from '../../services/dhcp/server.ts'
import { systemClock } from '../../services/kit/clock.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { parsePrefix } from '../../services/kit/ipv4.ts'
import type { LogFields } from '../../services/kit/log.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { ANSWER, MemoryStore, RACK, subnet, TestFleet } from '../dhcp/rig.ts'

/** What differs from a site of one subnet with four addresses. */
export type ServedSite = {
  authoritative?: boolean
  leaseSeconds?: number
  subnets?: { prefix: string; pools: string[]; router?: string; relays?: string[] }[]
}

const [, , device = '', site = '{}'] = process.argv
const { subnets, ...more } = JSON.parse(site) as ServedSite
const write = ({ reason, mac, address }: LogFields, message: string): void => {
  process.stdout.write(`${JSON.stringify({ reason, mac, address, message })}\n`)
}

const dhcp: DhcpOptions['site']['dhcp'] = {
  mode: 'server',
  leaseSeconds: 3600,
  authoritative: true,
  subnetSelection: false,
  ...more,
  subnets: subnets?.map(({ prefix, pools, router, relays = [] }) =>
    subnet(prefix, pools, { relays: relays as Ipv4[], ...(router ? { router: router as Ipv4 } : {}) }),
  ) ?? [RACK],
}

const server = await startDhcp({
  port: await openUdpPort({ device, address: '0.0.0.0' as Ipv4, port: 67 }),
  site: {
    domain: 'rack7.example.org',
    network: { interface: device, address: '10.77.0.1' as Ipv4, prefix: parsePrefix('10.77.0.0/24')! },
    dhcp,
  },
  httpPort: 80,
  mtu: 1500,
  store: new MemoryStore(),
  fleet: new TestFleet(),
  clock: systemClock,
  log: { debug: write, info: write, warn: write, error: write },
})
process.stdout.write(`${JSON.stringify({ reason: 'ready', message: ANSWER.url })}\n`)
process.stdin.on('end', () => void server.close())
process.stdin.resume()
