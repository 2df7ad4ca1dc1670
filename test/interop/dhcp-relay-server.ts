/**
 * The DHCP server as dhcp-server.ts runs it, of a site whose second subnet is behind a relay agent. With a second argument 10.78.0.50 is reserved
 * for that circuit. Ends when its input ends.
 */
import type { DhcpClient } from '../../services/dhcp/fleet.ts'
import { Reservations } from '../../services/dhcp/reservations.ts'
import { startDhcp } from '../../services/dhcp/server.ts'
import { openAddressProbe } from '../../services/kit/address-probe.ts'
import { systemClock } from '../../services/kit/clock.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { LogFields } from '../../services/kit/log.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { MemoryStore, RACK, subnet, TestFleet } from '../dhcp/rig.ts'

const [device = '', circuit] = process.argv.slice(2)
const write = ({ reason }: LogFields, message: string): void => {
  process.stdout.write(`${typeof reason === 'string' ? reason : 'none'}: ${message}\n`)
}

/** Both addresses of the relay agent: that on the machines' link, and that by which it sends with link selection. */
const relays = ['10.78.0.1' as Ipv4, '10.77.0.2' as Ipv4]
const far = subnet('10.78.0.0/24', ['10.78.0.100-10.78.0.199'], { relays, router: relays[0]! })
class CircuitFleet extends TestFleet {
  readonly #reserved = new Reservations({
    machines: [],
    dhcp: {
      reservations: [
        {
          address: '10.78.0.50' as Ipv4,
          key: { by: 'circuit-id', value: Buffer.from(circuit ?? '').toString('hex') },
          options: [],
        },
      ],
    },
  })

  override view(client: DhcpClient) {
    const found = this.#reserved.find(client, () => true)
    const reserved = found ? { reservation: found.reservation.address, reservedBy: found.by } : {}
    return { ...super.view(client), ...reserved }
  }

  override reservedFor(address: Ipv4) {
    return this.#reserved.ownerOf(address)
  }
}

const log = { debug: write, info: write, warn: write, error: write }
const network = { interface: device, address: '10.77.0.1' as Ipv4, prefix: RACK.prefix }
const probe = await openAddressProbe(network, { clock: systemClock, log, pings: 'needed' })
const server = await startDhcp({
  port: await openUdpPort({ device, address: '0.0.0.0' as Ipv4, port: 67 }),
  site: {
    domain: 'rack7.example.org',
    network,
    // 10.77.0.2 is in this subnet, which lists it, too: only link selection tells the two apart.
    dhcp: {
      mode: 'server',
      leaseSeconds: 3600,
      authoritative: true,
      subnetSelection: false,
      subnets: [{ ...RACK, relays: [relays[1]!] }, far],
    },
  },
  httpPort: 80,
  mtu: 1500,
  store: new MemoryStore(),
  fleet: circuit ? new CircuitFleet() : new TestFleet(),
  clock: systemClock,
  probe,
  log,
})
process.stdout.write('ready\n')
process.stdin.on('end', () => {
  void server.close()
  void probe.close()
})
process.stdin.resume()
