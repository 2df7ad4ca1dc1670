/** The DHCP server on a fake LAN with a rack of machines and a relay agent, for tests that tell what happens over hours. */
import { decode, encode } from '../../services/dhcp/codec.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { type DhcpServer, type ServedDhcp, startDhcp } from '../../services/dhcp/server.ts'
import type { DatagramPort, Endpoint } from '../../services/kit/datagram-port.ts'
import { LIMITED_BROADCAST, UNSPECIFIED } from '../../services/kit/ipv4.ts'
import { ip } from '../dhcp/messages.ts'
import { listeningLog, MemoryStore, RACK, START, TestFleet } from '../dhcp/rig.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { FakeProbe } from '../fake/address-probe.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan, type Frame } from '../fake/lan.ts'
import { FakeMeter } from '../fake/meter.ts'

export const OURS = '10.77.0.1'
/** The relay agent's address on the machines' link; it forwards what it hears by the same address. */
export const RELAY = '10.78.0.1'
export const SERVER = { address: ip(OURS), port: 67 }
export const EVERYBODY = { address: LIMITED_BROADCAST, port: 67 }

export type Heard = { message: DhcpMessage; to: Endpoint }

/** A server that can be ended and started again over the same store, with another site; and every machine's socket. */
export class Wire {
  readonly lan = new FakeLan({ eth1: OURS, relay: RELAY })
  readonly clock = new FakeClock(START)
  readonly store = new MemoryStore()
  readonly fleet = new TestFleet()
  readonly log = listeningLog()
  /** Nobody uses an address until a test says so. */
  readonly probe = new FakeProbe()
  readonly alarms = new Alarms(this.clock)
  /** Of the server that runs: a new one counts from zero. */
  meter = new FakeMeter()
  server!: DhcpServer
  #serverPort!: DatagramPort
  readonly #ports = new Map<string, DatagramPort>()
  #dhcp: ServedDhcp = {
    mode: 'server',
    leaseSeconds: 3600,
    authoritative: true,
    subnetSelection: false,
    subnets: [RACK],
  }

  static async open(dhcp: Partial<ServedDhcp> = {}): Promise<Wire> {
    const wire = new Wire()
    await wire.start(dhcp)
    return wire
  }

  async start(dhcp: Partial<ServedDhcp> = {}): Promise<void> {
    this.#dhcp = { ...this.#dhcp, ...dhcp }
    this.meter = new FakeMeter()
    const { store, fleet, probe, alarms, clock, log, meter } = this
    const network = { interface: 'eth1', address: ip(OURS), prefix: RACK.prefix }
    const site = { domain: 'rack7.example.org', network, dhcp: this.#dhcp }
    const port = await this.lan.open({ device: 'eth1', address: UNSPECIFIED, port: 67 })
    this.#serverPort = port
    this.server = await startDhcp({
      port,
      site,
      httpPort: 80,
      mtu: 1500,
      store,
      fleet,
      probe,
      alarms,
      clock,
      log,
      meter,
    })
  }

  /** Ends and starts again over what was written; offers are forgotten. */
  async restart(dhcp: Partial<ServedDhcp> = {}): Promise<void> {
    await this.server.close()
    await this.start(dhcp)
  }

  /** The power goes, and comes back: what was not written by then never is, and what was not sent is not heard. */
  async crash(): Promise<void> {
    await this.#serverPort.close()
    this.store.loseWrites()
    await this.start()
  }

  async #portOf(device: string, port: number): Promise<DatagramPort> {
    const name = `${device}:${port}`
    const open = this.#ports.get(name) ?? (await this.lan.open({ device, address: UNSPECIFIED, port }))
    this.#ports.set(name, open)
    return open
  }

  /** Sends octets from a device and returns what the server sent since. */
  async sendBytes(device: string, bytes: Uint8Array, to: Endpoint = EVERYBODY, port = 68): Promise<Heard[]> {
    const from = await this.#portOf(device, port)
    const before = this.lan.frames.length
    from.send(bytes, to)
    await this.lan.settle()
    return this.repliesSince(before)
  }

  /** What the server sent after so many frames. */
  repliesSince(frames: number): Heard[] {
    return this.lan.frames.slice(frames).filter(isOfServer).map(heardIn)
  }

  /** Relayed messages come from the relay agent's server port, as RFC 1542 §4.1.1 has it. */
  send(device: string, message: DhcpMessage, to: Endpoint = EVERYBODY): Promise<Heard[]> {
    const isRelayed = message.giaddr !== UNSPECIFIED
    const bytes = encode(message, { maxBytes: 1472 })
    return isRelayed ? this.sendBytes('relay', bytes, SERVER, 67) : this.sendBytes(device, bytes, to)
  }
}

function isOfServer({ device }: Frame): boolean {
  return device === 'eth1'
}

function heardIn({ bytes, to }: Frame): Heard {
  const message = decode(bytes)
  if (isMalformed(message)) throw new Error(`the server sent what is ${message.malformed}`)
  return { message, to }
}
