/**
 * Whether somebody uses an address, found out without any right. On the link a datagram makes the kernel ask by ARP, which no host refuses,
 * and its table of neighbours says who answered. Behind a router there is only an ICMP echo (RFC 792), which a host may well ignore.
 */
import type { Clock } from './clock.ts'
import type { Datagram, DatagramPort } from './datagram-port.ts'
import { type Ipv4, type Prefix, prefixContains } from './ipv4.ts'
import type { Log } from './log.ts'
import type { Mac } from './mac.ts'
import { openPingSocket } from './native-socket.ts'
import { neighboursOf } from './neighbours.ts'
import { adoptUdpPort, openUdpPort } from './udp-port.ts'

/** Who uses an address; its MAC is known on the link only. */
export type Answerer = { mac?: Mac }

export interface AddressProbe {
  /** Whether there is a way to find out about that address at all. */
  reaches(address: Ipv4): boolean
  /** Resolves within PROBE_MS, with undefined if nobody answered; never rejects. */
  probe(address: Ipv4): Promise<Answerer | undefined>
  close(): Promise<void>
}

/** Hosts answer ARP within a millisecond and an echo within a round trip; a client waits for its OFFER for a second and more. */
export const PROBE_MS = 250
/** How often the table is looked at. */
const LOOK_EVERY_MS = 25
const LOOKS = PROBE_MS / LOOK_EVERY_MS
/** RFC 863: discards what it gets, where it is served at all. */
const DISCARD_PORT = 9

const ECHO_REPLY = 0
const ECHO_REQUEST = 8
/** Type, code, and what the kernel fills in: checksum and identifier; then a sequence number. */
const ECHO = Uint8Array.of(ECHO_REQUEST, 0, 0, 0, 0, 0, 0, 1)
/** An ICMP message has no port, and the port that sends it refuses 0. */
const NO_PORT = 1

export type ProbeWires = {
  /** Addresses around our own, where ARP is answered. */
  link: Prefix
  /** Any UDP port of that interface. */
  udp: DatagramPort
  /** A ping socket of that interface, where this process may have one. */
  ping?: DatagramPort
  neighbours: () => Promise<ReadonlyMap<Ipv4, Mac>>
  clock: Clock
}

type Waiting = {
  /** Counted in looks, not by the clock, which somebody may set back meanwhile. */
  looksLeft: number
  settle: (answerer: Answerer | undefined) => void
  result: Promise<Answerer | undefined>
}

export class WireProbe implements AddressProbe {
  readonly #wires: ProbeWires
  readonly #waiting = new Map<Ipv4, Waiting>()
  #cancelLook: (() => void) | undefined

  constructor(wires: ProbeWires) {
    this.#wires = wires
    wires.ping?.onDatagram(datagram => this.#hearEcho(datagram))
  }

  reaches(address: Ipv4): boolean {
    return this.#isOnLink(address) || this.#wires.ping !== undefined
  }

  /**
   * An entry that was there before counts as an answer, although its host may be gone: the datagram makes the kernel check it, and ten seconds
   * later it is right.
   */
  probe(address: Ipv4): Promise<Answerer | undefined> {
    const running = this.#waiting.get(address)
    if (running) return running.result
    const { promise, resolve } = Promise.withResolvers<Answerer | undefined>()
    this.#waiting.set(address, { looksLeft: LOOKS, settle: resolve, result: promise })
    if (this.#isOnLink(address)) this.#wires.udp.send(new Uint8Array(), { address, port: DISCARD_PORT })
    else this.#wires.ping?.send(ECHO, { address, port: NO_PORT })
    this.#lookSoon()
    return promise
  }

  async close(): Promise<void> {
    this.#cancelLook?.()
    for (const address of this.#waiting.keys()) this.#settle(address, undefined)
    await Promise.all([this.#wires.udp.close(), this.#wires.ping?.close()])
  }

  #isOnLink(address: Ipv4): boolean {
    return prefixContains(this.#wires.link, address)
  }

  #hearEcho({ bytes, from }: Datagram): void {
    if (bytes[0] === ECHO_REPLY) this.#settle(from.address, {})
  }

  #settle(address: Ipv4, answerer: Answerer | undefined): void {
    const waiting = this.#waiting.get(address)
    this.#waiting.delete(address)
    waiting?.settle(answerer)
  }

  /** One look at the table serves all that wait. */
  #lookSoon(): void {
    this.#cancelLook ??= this.#wires.clock.after(LOOK_EVERY_MS, () => void this.#look())
  }

  async #look(): Promise<void> {
    const neighbours = await this.#wires.neighbours()
    for (const [address, waiting] of this.#waiting) {
      waiting.looksLeft -= 1
      const mac = this.#isOnLink(address) ? neighbours.get(address) : undefined
      if (mac) this.#settle(address, { mac })
      else if (waiting.looksLeft <= 0) this.#settle(address, undefined)
    }
    this.#cancelLook = undefined
    if (this.#waiting.size > 0) this.#lookSoon()
  }
}

/** The addresses of one interface: its name, our own address on it and the prefix around that. */
export type ProbedLink = { interface: string; address: Ipv4; prefix: Prefix }

/**
 * Whether addresses behind relay agents are to be pinged: `perhaps` where there are none yet. Where an unprivileged process may not ping, those are not probed,
 * which is said where they are needed.
 */
export type Pings = 'needed' | 'perhaps' | 'never'

/** Opens what it needs of the interface. Throws EnvironmentProblem without the interface. */
export async function openAddressProbe(
  { interface: device, address, prefix }: ProbedLink,
  { clock, log, pings }: { clock: Clock; log: Log; pings: Pings },
): Promise<AddressProbe> {
  const udp = await openUdpPort({ device, address, port: 0 })
  const ping = pings === 'never' ? undefined : openPingSocket(device)
  if (pings === 'needed' && ping === undefined)
    log.warn({ hint: PING_HINT }, 'addresses behind relay agents are not probed: this process may not ping')
  return new WireProbe({
    link: prefix,
    udp,
    ...(ping === undefined ? {} : { ping: await adoptUdpPort(ping) }),
    neighbours: () => neighboursOf(device),
    clock,
  })
}

const PING_HINT =
  'set net.ipv4.ping_group_range to a range that holds the group of this process, as `sysctl -w net.ipv4.ping_group_range="0 2147483647"` does'
