/**
 * Offers that nobody has taken yet. One to a machine that is known is kept for it until its time is over. One to a stranger binds nobody but other
 * strangers, and not even them when nothing else is free: the same address is then offered to several, and whoever asks for it first has it
 * (RFC 2131 §3.1: a server need not reserve what it offers). Invented MACs ask for nothing, so however many there are they are in nobody's way.
 */
import type { Instant } from '../kit/clock.ts'
import type { Mac } from '../kit/mac.ts'
import type { AddressEntry } from './address-entry.ts'
import { type InLine, Line } from './line.ts'

/** Longer than any client takes from OFFER to REQUEST (OVMF: four seconds), with its retries. */
export const OFFER_HOLD_MS = 60_000
/** A flood of random MACs drops the oldest offers to strangers instead of filling the memory: what a thousand a second are offered in sixteen seconds. */
export const MAX_OFFER_HOLDS = 16_384

/** `known`: listed by the site, approved once, or with a lease on record. None of these can be invented. */
export type Standing = 'known' | 'stranger'

export class Offer implements InLine<Offer> {
  readonly mac: Mac
  readonly entry: AddressEntry
  readonly standing: Standing
  until: Instant
  line: Line<Offer> | undefined
  before: Offer | undefined
  after: Offer | undefined

  constructor(mac: Mac, entry: AddressEntry, standing: Standing, until: Instant) {
    this.mac = mac
    this.entry = entry
    this.standing = standing
    this.until = until
  }
}

/** Each line in the order of their ends. */
export class Offers {
  readonly #known = new Line<Offer>()
  readonly #strangers = new Line<Offer>()

  get size(): number {
    return this.#known.size + this.#strangers.size
  }

  /** The oldest first. */
  *[Symbol.iterator](): Generator<Offer> {
    yield* this.#known
    yield* this.#strangers
  }

  add(offer: Offer): void {
    if (offer.standing === 'known') this.#known.add(offer)
    else this.#strangers.add(offer)
  }

  /** One that is not to be kept any more: its time is over, or there are too many and it is the oldest. */
  due(now: Instant): Offer | undefined {
    const { first: stranger, size } = this.#strangers
    if (stranger && (now >= stranger.until || size > MAX_OFFER_HOLDS)) return stranger
    const { first: known } = this.#known
    return known && now >= known.until ? known : undefined
  }

  /** The clock was set. */
  shift(byMs: number): void {
    for (const offer of this) offer.until += byMs
  }
}
