/** The DHCP server on a real socket, as a process of its own so that it can stand in a network namespace. Ends when its input ends. */
import { startDhcp } from '../../services/dhcp/server.ts'
import { systemClock } from '../../services/kit/clock.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { parsePrefix } from '../../services/kit/ipv4.ts'
import type { LogFields } from '../../services/kit/log.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { ANSWER, MemoryStore, RACK, TestFleet } from '../dhcp/rig.ts'

const device = process.argv[2]!
const write = (fields: LogFields, message: string): void => {
  process.stdout.write(`${JSON.stringify({ reason: fields.reason, message })}\n`)
}

const fleet = new TestFleet()
const server = await startDhcp({
  port: await openUdpPort({ device, address: '0.0.0.0' as Ipv4, port: 67 }),
  site: {
    domain: 'rack7.example.org',
    network: { interface: device, address: '10.77.0.1' as Ipv4, prefix: parsePrefix('10.77.0.0/24')! },
    dhcp: { mode: 'server', leaseSeconds: 3600, authoritative: true, subnetSelection: false, subnets: [RACK] },
  },
  httpPort: 80,
  store: new MemoryStore(),
  fleet,
  clock: systemClock,
  log: { debug: write, info: write, warn: write, error: write },
})
process.stdout.write(`${JSON.stringify({ reason: 'ready', message: ANSWER.url })}\n`)
process.stdin.on('end', () => void server.close())
process.stdin.resume()
