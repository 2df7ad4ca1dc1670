/**
 * Who is signed in at the page. In memory only, and by the hash of the identifier: a restart ends all sessions, and a copy of the memory's contents opens
 * none. What a session still has open (the stream of events) is cut when it ends.
 */
import { hash, randomBytes } from 'node:crypto'
import type { Clock, Instant } from '../kit/clock.ts'
import type { Role } from './principal.ts'

export type SessionLimits = {
  /** Milliseconds without a request, and with none open, after which a session is over. */
  idleMs: number
  /** Milliseconds after which it is over in any case. */
  longestMs: number
  /** Sessions of all people, and of one; the one that was idle longest makes room. */
  most: number
  mostOfOne: number
}

/** A shift of twelve hours, and a long break in it; a page that is open and watched is not idle. */
const SESSION_LIMITS: SessionLimits = {
  idleMs: 2 * 3_600_000,
  longestMs: 12 * 3_600_000,
  most: 256,
  mostOfOne: 16,
}

export type Session = {
  readonly name: string
  readonly role: Role
  /** The hash of the password that it began with; absent for one that began with a link, which belongs to no user of the file. */
  readonly credential?: string
  readonly csrf: string
  /** Both of the count that nobody sets: a clock that is set must neither end a session nor keep it for ever. */
  readonly startedAt: number
  usedAt: number
  /** How to cut each reply that is still under way. */
  readonly open: Set<() => void>
}

export type SessionEnd = 'session-over' | 'session-crowded' | 'session-revoked' | 'signed-out'

/** 256 random bits as base64url. */
export const randomSecret = (): string => randomBytes(32).toString('base64url')

const keyOf = (id: string): string => hash('sha256', id)

export type SessionsOptions = {
  clock: Pick<Clock, 'now' | 'elapsed'>
  limits?: SessionLimits
  random?: () => string
  onEnd?: (session: Session, why: SessionEnd) => void
}

export class Sessions {
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>
  readonly #limits: SessionLimits
  readonly #random: () => string
  readonly #onEnd: (session: Session, why: SessionEnd) => void
  /** By the hash of the identifier; the one that was idle longest is the first. */
  readonly #sessions = new Map<string, Session>()

  constructor({ clock, limits = SESSION_LIMITS, random = randomSecret, onEnd = () => {} }: SessionsOptions) {
    this.#clock = clock
    this.#limits = limits
    this.#random = random
    this.#onEnd = onEnd
  }

  get size(): number {
    return this.#sessions.size
  }

  /** `id` is for the cookie, and is kept nowhere else. */
  begin(who: Pick<Session, 'name' | 'role' | 'credential'>): { id: string; session: Session } {
    this.sweep()
    const own = [...this.#sessions].filter(([, { name }]) => name === who.name)
    if (own.length >= this.#limits.mostOfOne) this.#end(own[0]![0], 'session-crowded')
    if (this.#sessions.size >= this.#limits.most) this.#end(this.#sessions.keys().next().value!, 'session-crowded')
    const id = this.#random()
    const now = this.#clock.elapsed()
    const session = { ...who, csrf: this.#random(), startedAt: now, usedAt: now, open: new Set<() => void>() }
    this.#sessions.set(keyOf(id), session)
    return { id, session }
  }

  /** The session that is asked with; it counts as used now. */
  use(id: string): Session | undefined {
    const key = keyOf(id)
    const session = this.#sessions.get(key)
    if (!session) return undefined
    if (this.#isOver(session)) {
      this.#end(key, 'session-over')
      return undefined
    }
    this.#touch(key, session)
    return session
  }

  /** When it ends if nothing more is asked with it. */
  expiresAt(session: Session): Instant {
    return Math.round(this.#clock.now() + this.#leftMs(session))
  }

  signOut(session: Session): void {
    for (const [key, one] of this.#sessions) if (one === session) this.#end(key, 'signed-out')
  }

  /** Ends the sessions of users that are no longer what they were. */
  revoke(isStale: (session: Session) => boolean): void {
    for (const [key, session] of [...this.#sessions]) if (isStale(session)) this.#end(key, 'session-revoked')
  }

  /** Ends those whose time is over; to be called now and then, since a stream that is open asks for nothing. */
  sweep(): void {
    for (const [key, session] of [...this.#sessions]) {
      if (session.open.size > 0) this.#touch(key, session)
      if (this.#isOver(session)) this.#end(key, 'session-over')
    }
  }

  #isOver(session: Session): boolean {
    return this.#leftMs(session) <= 0
  }

  #leftMs({ startedAt, usedAt }: Session): number {
    const { longestMs, idleMs } = this.#limits
    return Math.min(startedAt + longestMs, usedAt + idleMs) - this.#clock.elapsed()
  }

  #touch(key: string, session: Session): void {
    session.usedAt = this.#clock.elapsed()
    this.#sessions.delete(key)
    this.#sessions.set(key, session)
  }

  #end(key: string, why: SessionEnd): void {
    const session = this.#sessions.get(key)!
    this.#sessions.delete(key)
    this.#onEnd(session, why)
    for (const cut of session.open) cut()
  }
}
