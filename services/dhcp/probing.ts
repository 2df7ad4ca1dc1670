/** Offers that wait until somebody has looked whether their address is in use: at most one a machine, and a bounded number in all. */
import type { AddressProbe, Answerer } from '../kit/address-probe.ts'
import type { Clock } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Reply } from './decision.ts'
import type { DhcpMessage } from './message.ts'

/** A rack that is switched on at once; the kernel's table of neighbours has room for 1024, and the machines that are served need theirs. */
export const PROBES_MOST = 256
/** The kernel goes on asking for an address that nobody answers for, three times a second apart, and its entry takes room meanwhile. */
export const KERNEL_ASKS_MS = 3000
/** Addresses that are tried for one DISCOVER; more than one answerer can put into quarantine, so that the machine gets its offer in the end. */
export const TRIES_MOST = 8

export type Heard = { request: DhcpMessage; sourcePort: number }

/** An offer that waits, with the DISCOVER that it answers. */
export type ProbedOffer = { offer: Reply & { address: Ipv4 }; heard: Heard; tries: number }

/** What becomes of an offer: it goes out now, waits, replaces or repeats one that waits, or would have to wait and can't. */
export type Turn = 'now' | 'waits' | 'repeated' | 'unprobed'

export class Probing {
  readonly #probe: AddressProbe
  readonly #clock: Clock
  readonly #settled: (waited: ProbedOffer, answerer: Answerer | undefined) => void
  /** A DISCOVER that waited and will not be answered: its machine began anew. */
  readonly #overtaken: (waited: ProbedOffer) => void
  readonly #waiting = new Map<Mac, ProbedOffer>()
  #running = 0
  /** When the kernel stops asking for addresses that nobody answered for, in that order. */
  readonly #askedUntil: number[] = []

  constructor(
    probe: AddressProbe,
    clock: Clock,
    settled: (waited: ProbedOffer, answerer: Answerer | undefined) => void,
    overtaken: (waited: ProbedOffer) => void,
  ) {
    this.#probe = probe
    this.#clock = clock
    this.#settled = settled
    this.#overtaken = overtaken
  }

  /** Takes charge of the offer unless it is to go out as it is. `tries` counts the addresses that were tried for this DISCOVER before. */
  take(offer: Reply, heard: Heard, tries: number): Turn {
    const { address, client } = offer
    if (offer.type !== 'offer' || address === undefined) return 'now'
    const waiting = this.#waiting.get(client.mac)
    if (waiting?.offer.address === address) return this.#again(waiting, { ...offer, address }, heard)
    if (waiting) this.#overtaken(waiting)
    this.#waiting.delete(client.mac)
    if (!offer.needsProbe || !this.#probe.reaches(address)) return 'now'
    if (this.#inFlight() >= PROBES_MOST) return 'unprobed'
    this.#begin({ offer: { ...offer, address }, heard, tries })
    return 'waits'
  }

  /** No offer goes out any more that waits now. */
  close(): void {
    this.#waiting.clear()
  }

  /** The same address for the same machine: the newest transaction is the one that will be answered, once. */
  #again(waiting: ProbedOffer, offer: ProbedOffer['offer'], heard: Heard): Turn {
    if (heard.request.xid === waiting.heard.request.xid) return 'repeated'
    this.#overtaken({ ...waiting })
    waiting.offer = offer
    waiting.heard = heard
    return 'waits'
  }

  #begin(waiting: ProbedOffer): void {
    const { address, client } = waiting.offer
    this.#waiting.set(client.mac, waiting)
    this.#running += 1
    const until = this.#clock.elapsed() + KERNEL_ASKS_MS
    void this.#probe.probe(address).then(answerer => {
      this.#running -= 1
      if (!answerer) this.#askedUntil.push(until)
      if (this.#waiting.get(client.mac) !== waiting) return
      this.#waiting.delete(client.mac)
      this.#settled(waiting, answerer)
    })
  }

  #inFlight(): number {
    const now = this.#clock.elapsed()
    while (this.#askedUntil.length > 0 && this.#askedUntil[0]! <= now) this.#askedUntil.shift()
    return this.#running + this.#askedUntil.length
  }
}
