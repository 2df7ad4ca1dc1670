/**
 * Offers that nobody has taken yet. One to a machine that is known is kept for it until its time is over. One to a stranger binds nobody but other
 * strangers, and not even them when nothing else is free: the same address is then offered to several, and whoever asks for it first has it
 * (RFC 2131 §3.1: a server need not reserve what it offers). Invented MACs ask for nothing, so however many there are they are in nobody's way.
 */
import type { Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import { Line } from './line.ts'

/** Longer than any client takes from OFFER to REQUEST (OVMF: four seconds), with its retries. */
export const OFFER_HOLD_MS = 60_000
/** A flood of random MACs drops the oldest offers to strangers instead of filling the memory: what a thousand a second are offered in sixteen seconds. */
export const MAX_OFFER_HOLDS = 16_384

/** `known`: listed by the site, approved once, or with a lease on record. None of these can be invented. */
export type Standing = 'known' | 'stranger'

export type Offer = { mac: Mac; address: Ipv4; standing: Standing; until: Instant }

export class Offers {
  readonly #to = new Map<Mac, Offer>()
  /** Each in the order of their ends. */
  readonly #lines: Readonly<Record<Standing, Line<Offer>>> = { known: new Line(), stranger: new Line() }
  /** The last one of each address. */
  readonly #at = new Map<Ipv4, Offer>()

  get size(): number {
    return this.#to.size
  }

  /** Every address that was offered, that of the oldest offer first. */
  *addresses(): Generator<Ipv4> {
    for (const offer of [...this.#lines.known, ...this.#lines.stranger])
      if (this.#at.get(offer.address) === offer) yield offer.address
  }

  to(mac: Mac): Offer | undefined {
    return this.#to.get(mac)
  }

  /** The last one that was made of the address. */
  at(address: Ipv4): Offer | undefined {
    return this.#at.get(address)
  }

  /** Its machine must have none. */
  add(offer: Offer): void {
    this.#to.set(offer.mac, offer)
    this.#lines[offer.standing].add(offer)
    this.#at.set(offer.address, offer)
  }

  remove(offer: Offer): void {
    this.#to.delete(offer.mac)
    this.#lines[offer.standing].delete(offer)
    if (this.#at.get(offer.address) === offer) this.#at.delete(offer.address)
  }

  /** One that is not to be kept any more: its time is over, or there are too many and it is the oldest. */
  due(now: Instant): Offer | undefined {
    const { known, stranger } = this.#lines
    if (stranger.first && (now >= stranger.first.until || stranger.size > MAX_OFFER_HOLDS)) return stranger.first
    return known.first && now >= known.first.until ? known.first : undefined
  }

  /** The clock was set. */
  shift(byMs: number): void {
    for (const offer of this.#to.values()) offer.until += byMs
  }
}
