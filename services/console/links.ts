/** One-time links: the way in where there are no users, or where a password was lost. Whoever may open the control socket may have one. */
import { hash } from 'node:crypto'
import type { Clock, Instant } from '../kit/clock.ts'
import type { Role } from './principal.ts'
import { randomSecret } from './sessions.ts'

/** Long enough to open a tunnel and paste it. */
export const LINK_MS = 15 * 60_000
/** Those that wait to be used; the oldest makes room. */
const MOST = 16

export type Link = { role: Role; by: string; expiresAt: Instant }

export class Links {
  readonly #clock: Pick<Clock, 'now'>
  readonly #random: () => string
  /** By the hash of the secret. */
  readonly #links = new Map<string, Link>()

  constructor(clock: Pick<Clock, 'now'>, random: () => string = randomSecret) {
    this.#clock = clock
    this.#random = random
  }

  /** @param by who asked for it: the session will bear the name */
  make(role: Role, by: string): { secret: string; expiresAt: Instant } {
    for (const [key, { expiresAt }] of this.#links) if (expiresAt <= this.#clock.now()) this.#links.delete(key)
    if (this.#links.size >= MOST) this.#links.delete(this.#links.keys().next().value!)
    const secret = this.#random()
    const expiresAt = this.#clock.now() + LINK_MS
    this.#links.set(hash('sha256', secret), { role, by, expiresAt })
    return { secret, expiresAt }
  }

  /** The link with that secret, which is used up thereby. */
  take(secret: string): Link | undefined {
    const key = hash('sha256', secret)
    const link = this.#links.get(key)
    this.#links.delete(key)
    return link && link.expiresAt > this.#clock.now() ? link : undefined
  }
}
