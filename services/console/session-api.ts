/** Signing in and out at the console's listener, and what its page has to know of the session. */
import { z } from 'zod'
import type { ConsoleApp } from './app.ts'
import type { Credentials, Door } from './door.ts'
import { cookieOptions, refusalFor } from './guard.ts'
import { LONGEST_PASSWORD } from './password-hash.ts'
import { type SessionView, sessionView } from './schema/session.ts'
import type { Session } from './sessions.ts'

const LONGEST_NAME = 64
const LONGEST_LINK = 64

const credentials = z.union([
  z.strictObject({ name: z.string().min(1).max(LONGEST_NAME), password: z.string().max(LONGEST_PASSWORD) }),
  z.strictObject({ link: z.string().max(LONGEST_LINK) }),
])

function viewOf(session: Session, door: Door): SessionView {
  const { name, role, csrf } = session
  return { user: { name, role }, csrf, expiresAt: new Date(door.sessions.expiresAt(session)).toISOString() }
}

/** Seconds until another try may be worth it. */
const RETRY_AFTER_S = { 'too-many-tries': 20, 'sign-in-busy': 2 } as const

export type SessionCookie = { name: string; secure: boolean }

export function addSessionApi(app: ConsoleApp, door: Door, cookie: SessionCookie): void {
  addSession(app, door)
  addSignIn(app, door, cookie)
  addSignOut(app, door, cookie)
}

function addSession(app: ConsoleApp, door: Door): void {
  app.get(
    '/api/v1/session',
    {
      config: { role: 'none' },
      schema: {
        operationId: 'getSession',
        summary: 'Who is signed in with this cookie',
        description:
          'The refusal `not-signed-in` has a member `canLink`: there are no users, and a one-time link is the way in.',
        tags: ['session'],
        response: { 200: sessionView },
      },
    },
    async (request, reply) => {
      const { session } = request
      if (session) return viewOf(session, door)
      void reply.header('www-authenticate', 'Bearer')
      return reply.send({ ...refusalFor('not-signed-in'), canLink: door.hasNoUsers } as never)
    },
  )
}

function addSignIn(app: ConsoleApp, door: Door, cookie: SessionCookie): void {
  app.post(
    '/api/v1/session',
    {
      config: { role: 'none' },
      schema: {
        operationId: 'signIn',
        summary: 'Signs in with name and password, or with a one-time link',
        tags: ['session'],
        body: credentials,
        response: { 200: sessionView },
      },
    },
    async (request, reply) => {
      const entry = await door.enter(request.body as Credentials, request.ip)
      if ('refused' in entry) {
        const { refused } = entry
        if (refused in RETRY_AFTER_S)
          void reply.header('retry-after', RETRY_AFTER_S[refused as keyof typeof RETRY_AFTER_S])
        return reply.send(refusalFor(refused) as never)
      }
      if (request.session) door.sessions.signOut(request.session)
      void reply.setCookie(cookie.name, entry.id, cookieOptions(cookie.secure))
      return viewOf(entry.session, door)
    },
  )
}

function addSignOut(app: ConsoleApp, door: Door, cookie: SessionCookie): void {
  app.delete(
    '/api/v1/session',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'signOut',
        summary: 'Signs out',
        tags: ['session'],
        response: { 204: z.undefined().meta({ description: 'The session is over' }) },
      },
    },
    async (request, reply) => {
      if (request.session) door.sessions.signOut(request.session)
      void reply.clearCookie(cookie.name, cookieOptions(cookie.secure))
      return reply.code(204).send()
    },
  )
}
