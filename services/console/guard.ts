/** What stands before every route of the console's listener: it turns a request into a question, and the answer of `access.ts` into a reply. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Problem } from '../kit/problem.ts'
import { admit, type Asked, isChange, type RouteRole } from './access.ts'
import type { ConsoleApp } from './app.ts'
import type { Door } from './door.ts'
import type { Refusal } from './problem-details.ts'
import { type Reason, REASONS, type RefusalReason } from './reasons.ts'
import type { Session } from './sessions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** That of the cookie; undefined where none is valid, or where a token asks. */
    session: Session | undefined
  }
}

const CSRF_HEADER = 'x-csrf-token'

/** No `domain` and the whole path, as `__Host-` wants it; gone with the browser, and no script reads it. */
export function cookieOptions(secure: boolean): {
  path: string
  httpOnly: boolean
  sameSite: 'strict'
  secure: boolean
} {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure }
}

function refused(code: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'error' }
}

const SIGN_IN_REFUSED = refused(
  'sign-in-refused',
  'name and password do not fit together',
  'try again; `rackrise user list` on the appliance knows the names',
)

/** Who has no right to know which users there are is told one thing for a wrong name and a wrong password. */
const TOLD: Partial<Record<RefusalReason, Problem>> = {
  'wrong-password': SIGN_IN_REFUSED,
  'unknown-user': SIGN_IN_REFUSED,
}

export function refusalFor(reason: RefusalReason, role?: RouteRole): Refusal {
  const told = TOLD[reason]
  if (told) return told
  const { message, action } = REASONS[reason as Reason]
  if (reason !== 'not-allowed') return refused(reason, message, action)
  return { ...refused(reason, `this needs the role ${role}`, action), role }
}

export type GuardOptions = {
  door: Door
  clock: { now(): number }
  cookieName: string
  scheme: 'http' | 'https'
  isOurHost: (header: string | undefined) => boolean
}

const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value

/** Only headers that are there. */
function askedBy(request: FastifyRequest, { scheme, isOurHost }: GuardOptions): Asked {
  const { headers, method } = request
  const role = request.is404 ? 'none' : request.routeOptions.config.role
  const said = {
    origin: one(headers.origin),
    fetchSite: one(headers['sec-fetch-site']),
    authorization: one(headers.authorization),
    csrf: one(headers[CSRF_HEADER]),
    session: request.session,
  }
  const present = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  const ownOrigin = `${scheme}://${headers.host}`
  return { method, role, isOurHost: isOurHost(headers.host), ownOrigin, ...present }
}

/** A reply that has begun is a stream: it is cut when who asked for it may not have it any more. */
function cutWith(reply: FastifyReply): () => void {
  return () => {
    if (reply.raw.headersSent) reply.raw.destroy()
  }
}

/** To be added before any route; the plugin for cookies before it. */
export function addGuard(app: ConsoleApp, options: GuardOptions): void {
  const { door, clock, cookieName } = options
  app.decorateRequest('session', undefined)
  app.addHook('onRequest', async (request, reply) => {
    const id = request.cookies[cookieName]
    if (id !== undefined && request.headers.authorization === undefined) request.session = door.sessions.use(id)
    const asked = askedBy(request, options)
    const admission = admit(asked, { users: door.users, now: clock.now() })
    const { principal } = admission
    const { method } = request
    const about = {
      from: request.ip,
      method,
      route: request.routeOptions.url ?? '-',
      ...(principal ? { user: principal.name } : {}),
    }
    if ('refused' in admission) {
      door.tell(admission.refused, about)
      const refusal = refusalFor(admission.refused, asked.role)
      if (['not-signed-in', 'token-refused', 'token-expired'].includes(admission.refused))
        void reply.header('www-authenticate', 'Bearer')
      return reply.send(refusal as never)
    }
    request.principal = principal
    if (!principal) return
    if (principal.via === 'token' && isChange(method)) door.tell('token-change', about)
    reply.raw.once('close', door.watch(principal, request.session, cutWith(reply)))
  })
}
