/**
 * The DHCP server with its store on disk and a socket on loopback, as a process that is to be killed. Its first line says where it listens and
 * what it knows from before, each further one the reason of a warning or error. Argument: the state folder. Ends when its input ends.
 */
import { startDhcp } from '../../services/dhcp/server.ts'
import { systemClock } from '../../services/kit/clock.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { type LogFields, silentLog } from '../../services/kit/log.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { openStore } from '../../services/store/store.ts'
import { subnet, TestFleet } from '../dhcp/rig.ts'

/** What the server says first: its port, and address, MAC, state and beginning of every lease that it loaded. */
export type Ready = { port: number; leases: [address: string, mac: string, state: string, boundAt: number][] }

const OURS = '127.0.0.1' as Ipv4
const SUBNET = subnet('127.0.0.0/8', ['127.1.0.0-127.1.255.255'], { relays: [OURS] })

const tell = ({ reason }: LogFields): void => void process.stdout.write(`${JSON.stringify({ reason })}\n`)

const store = await openStore(process.argv[2]!)
const port = await openUdpPort({ address: OURS, port: 0 })
const server = await startDhcp({
  port,
  site: {
    domain: 'rack7.example.org',
    network: { interface: 'lo', address: OURS, prefix: SUBNET.prefix },
    dhcp: { mode: 'server', leaseSeconds: 3600, authoritative: true, subnetSelection: false, subnets: [SUBNET] },
  },
  httpPort: 80,
  mtu: 1500,
  store: store.leases,
  fleet: new TestFleet(),
  clock: systemClock,
  log: { ...silentLog, warn: tell, error: tell },
})
const leases = server.leases().map(({ address, mac, state, boundAt }) => [address, mac, state, boundAt])
process.stdout.write(`${JSON.stringify({ port: port.local.port, leases })}\n`)
process.stdin.on('end', () => void server.close().then(() => store.close()))
process.stdin.resume()
