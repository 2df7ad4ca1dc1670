/** One-time links: the way in where there are no users, or where a password was lost. Whoever may open the control socket may have one. */
import { hash } from 'node:crypto'
import type { Clock, Instant } from '../kit/clock.ts'
import type { Role } from './principal.ts'
import { randomSecret } from './sessions.ts'

/** Long enough to open a tunnel and paste it. */
export const LINK_MS = 15 * 60_000
/** Those that wait to be used; the oldest makes room. */
const MOST = 16

/** `until`: of the count that nobody sets. */
export type Link = { role: Role; by: string; until: number }

export class Links {
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>
  readonly #random: () => string
  /** By the hash of the secret. */
  readonly #links = new Map<string, Link>()

  constructor(clock: Pick<Clock, 'now' | 'elapsed'>, random: () => string = randomSecret) {
    this.#clock = clock
    this.#random = random
  }

  /** @param by who asked for it: the session will bear the name */
  make(role: Role, by: string): { secret: string; expiresAt: Instant } {
    for (const [key, { until }] of this.#links) if (until <= this.#clock.elapsed()) this.#links.delete(key)
    if (this.#links.size >= MOST) this.#links.delete(this.#links.keys().next().value!)
    const secret = this.#random()
    this.#links.set(hash('sha256', secret), { role, by, until: this.#clock.elapsed() + LINK_MS })
    return { secret, expiresAt: this.#clock.now() + LINK_MS }
  }

  /** The link with that secret, which is used up thereby. */
  take(secret: string): Link | undefined {
    const key = hash('sha256', secret)
    const link = this.#links.get(key)
    this.#links.delete(key)
    return link && link.until > this.#clock.elapsed() ? link : undefined
  }
}
