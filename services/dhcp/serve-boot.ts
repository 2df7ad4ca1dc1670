/** The edge of what boots without a lease: the proxy on port 67 and the boot server on port 4011. Nothing to store, nothing to remember. */
import { Alarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort, Endpoint } from '../kit/datagram-port.ts'
import type { Log } from '../kit/log.ts'
import { workedOut } from '../kit/worked-out.ts'
import type { DhcpSite, Site } from '../site/types.ts'
import { isBinl, respondAsBootServer } from './boot-server.ts'
import { decode } from './codec.ts'
import type { DhcpCounts } from './counts.ts'
import type { BootView, Decision, Reply } from './decision.ts'
import { bootServerDestination, destinationOf } from './destination.ts'
import type { DhcpFact, DhcpFleet } from './fleet.ts'
import { writeReason } from './log-line.ts'
import { type DhcpMessage, isMalformed } from './message.ts'
import { respondAsProxy } from './proxy.ts'
import { isInspection } from './question.ts'
import type { WatchHook } from './server-watch.ts'
import { Telling } from './telling.ts'

export type BootOptions = {
  /** Bound to port 67 or 4011 of the one interface. Taken over and closed. */
  port: DatagramPort
  as: 'proxy' | 'boot-server'
  site: Pick<Site, 'network'> & { dhcp: Pick<DhcpSite, 'mode' | 'subnets' | 'proxyDelayMs'> }
  /** Port of the plain HTTP listener on the same address. */
  httpPort: number
  /** Of the served interface, octets. */
  mtu: number
  fleet: Pick<DhcpFleet, 'view' | 'tell'>
  clock: Clock
  log: Log
  alarms?: Alarms
  /** Whose question comes back to us as a broadcast. */
  watch?: Pick<WatchHook, 'isOurs'>
  counts: DhcpCounts
}

/** Offers that wait for the other server to be first; beyond that they go at once, so that a flood does not fill the memory. */
const MAX_WAITING = 1024

/** Serves until it is closed; offers that still wait then are not sent. */
export function serveBoot(options: BootOptions): { close(): Promise<void> } {
  const { port, as, site, log } = options
  const serving = new Serving(options)
  port.onDatagram(datagram => serving.hear(datagram))
  const what =
    as === 'proxy' ? 'serving DHCP as a proxy: another server gives the addresses' : 'serving the boot server’s port'
  log.info({ room: 'dhcp', mode: site.dhcp.mode, interface: site.network.interface, port: port.local.port }, what)
  return {
    async close() {
      port.onDatagram(() => {})
      serving.forget()
      await port.close()
    },
  }
}

class Serving {
  readonly #options: BootOptions
  readonly #view: BootView
  readonly #telling: Telling
  readonly #waiting = new Set<() => void>()

  constructor(options: BootOptions) {
    const { site, httpPort, fleet, clock, alarms = new Alarms(clock) } = options
    const { address, prefix } = site.network
    const server = workedOut(
      () => [site.dhcp],
      () => ({ address, prefix, subnets: site.dhcp.subnets, httpPort }),
    )
    this.#options = options
    this.#telling = new Telling({ ...options, alarms }, factOf)
    this.#view = {
      get server() {
        return server()
      },
      fleet,
    }
  }

  hear(datagram: Datagram): void {
    this.#telling.surviving(() => this.#receive(datagram))
  }

  forget(): void {
    for (const cancel of this.#waiting) cancel()
    this.#waiting.clear()
  }

  #receive({ bytes, from }: Datagram): void {
    const { counts, watch } = this.#options
    counts.received()
    const request = decode(bytes)
    if (isMalformed(request)) {
      const fields = { detail: request.malformed, from: from.address }
      if (isBinl(bytes)) {
        counts.failed('windows-deployment')
        writeReason(this.#telling.calm, 'windows-deployment', fields)
        return
      }
      counts.malformed(request.malformed)
      writeReason(this.#telling.calm, 'malformed', fields)
      return
    }
    if (watch?.isOurs(request)) return
    const decision = this.#decide(request, from)
    if (decision.do === 'reply') this.#sendInTime(decision, request, from)
    else if (!isInspection(request)) this.#telling.report(decision, request)
  }

  #decide(request: DhcpMessage, from: Endpoint): Decision {
    return this.#options.as === 'proxy'
      ? respondAsProxy(request, this.#view)
      : respondAsBootServer(request, from, this.#view)
  }

  /** H14: only an offer competes with the other server's. */
  #sendInTime(reply: Reply, request: DhcpMessage, from: Endpoint): void {
    const { clock, site } = this.#options
    const delay = reply.type === 'offer' ? site.dhcp.proxyDelayMs : 0
    if (delay === 0 || this.#waiting.size >= MAX_WAITING) return this.#send(reply, request, from)
    const cancel = clock.after(delay, () => {
      this.#waiting.delete(cancel)
      this.#send(reply, request, from)
    })
    this.#waiting.add(cancel)
  }

  #send(reply: Reply, request: DhcpMessage, from: Endpoint): void {
    const isProxy = this.#options.as === 'proxy'
    const to = isProxy ? destinationOf(request, reply.type, from.port) : bootServerDestination(request, from)
    if (isInspection(request)) this.#telling.sendUntold(reply, request, to)
    else this.#telling.send(reply, request, to)
  }
}

function factOf(decision: Decision): DhcpFact | undefined {
  const { client, reason } = decision
  if (!client) return undefined
  return decision.do === 'silence'
    ? { fact: 'silent', client, reason }
    : { fact: 'boot-told', client, plan: decision.said.plan }
}
