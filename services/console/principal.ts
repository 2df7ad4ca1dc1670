/** Who asks, and what for: set on every request before its handler runs, and compared with the role that its route states. */
import type { FastifyRequest } from 'fastify'

/** A viewer looks; an operator also changes things and sees secrets. */
export type Role = 'viewer' | 'operator'

export type Principal = {
  /** As the timeline tells it. */
  name: string
  role: Role
  /** How that is known: by the permissions of the control socket, a browser's session, or a program's token. */
  via: 'socket' | 'session' | 'token'
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined where nobody said who he is; a route whose role is not `none` is not reached then. */
    principal: Principal | undefined
  }

  interface FastifyContextConfig {
    /** Who may ask. Every route states it, or the application does not start. `none`: anybody who reaches the port. */
    role?: Role | 'none'
  }
}

const LONGEST_NAME = 64

/** A name as the timeline can show it: one line, not long. */
export function nameOfOperator(by: string): string {
  const text = by
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, LONGEST_NAME)
  return text === '' ? 'an operator' : text
}

/** Set by the command line, percent-encoded: the user, or whom sudo knows. */
export const USER_HEADER = 'rackrise-user'

/** Who can open the socket may do everything; who he is he says himself. */
export function socketPrincipal(request: Pick<FastifyRequest, 'headers'>): Principal {
  const said = request.headers[USER_HEADER]
  return { name: nameOfOperator(typeof said === 'string' ? decoded(said) : ''), role: 'operator', via: 'socket' }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function mayDo(principal: Principal, role: Role): boolean {
  return principal.role === 'operator' || role === 'viewer'
}

/** Of a route that somebody has to be known for. */
export function whoAsks(request: Pick<FastifyRequest, 'principal'>): string {
  return request.principal!.name
}
