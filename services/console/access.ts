/** Whether a request is served, as a function of what it says and who is known: the one door that every route of the console's listener is behind. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Instant } from '../kit/clock.ts'
import { mayDo, type Principal, type Role } from './principal.ts'
import type { RefusalReason } from './reasons.ts'
import type { Session } from './sessions.ts'
import { findToken, type Users } from './users.ts'

export type RouteRole = Role | 'none'

/** Headers by name, as they came; `session` is the one that the cookie names. */
export type Asked = {
  /** GET and HEAD change nothing (RFC 9110 §9.2.1). */
  method: string
  /** What the route declares; absent if it declares nothing. */
  role: RouteRole | undefined
  /** Whether the `Host` header names this listener. */
  isOurHost: boolean
  /** What a page of the listener's own would send as `Origin`. */
  ownOrigin: string
  origin?: string
  /** `Sec-Fetch-Site`. */
  fetchSite?: string
  authorization?: string
  csrf?: string
  session?: Session
}

export type Known = { users: Users; now: Instant }

/** Without a principal: for routes that anybody may use. */
export type Admission = { principal?: Principal } | { refused: RefusalReason; principal?: Principal }

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

export function isChange(method: string): boolean {
  return !SAFE_METHODS.has(method)
}

/** Browsers say from where a page asks (`Sec-Fetch-Site`), older ones at least who it is (`Origin`); programs say neither. */
function isCrossSite({ fetchSite, origin, ownOrigin }: Asked): boolean {
  if (fetchSite !== undefined) return fetchSite !== 'same-origin' && fetchSite !== 'none'
  return origin !== undefined && origin !== ownOrigin
}

/** In constant time, whatever the lengths. */
export function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}

/** Who asks: a token's name beside which no cookie counts, else the session's user, else nobody. */
function identify({ authorization, session }: Asked, { users, now }: Known): Admission {
  if (authorization !== undefined) {
    const found = findToken(users, /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '', now)
    if ('refused' in found) return found
    return { principal: { name: found.token.name, role: found.token.role, via: 'token' } }
  }
  return session ? { principal: { name: session.name, role: session.role, via: 'session' } } : {}
}

export function admit(asked: Asked, known: Known): Admission {
  const { role, method } = asked
  if (!asked.isOurHost) return { refused: 'foreign-host' }
  if (isChange(method) && isCrossSite(asked)) return { refused: 'cross-site' }
  if (role === undefined) return { refused: 'role-missing' }
  if (role === 'none') return {}
  const identity = identify(asked, known)
  const { principal } = identity
  if ('refused' in identity) return identity
  if (!principal) return { refused: 'not-signed-in' }
  const isGuarded = principal.via === 'session' && isChange(method)
  if (isGuarded && !isSame(asked.csrf ?? '', asked.session!.csrf)) return { refused: 'csrf-refused', principal }
  if (!mayDo(principal, role)) return { refused: 'not-allowed', principal }
  return { principal }
}
