/** The console's own listener: plain HTTP on loopback, TLS anywhere else, and nobody comes to a route but through the door. */
import { createHash } from 'node:crypto'
import type { Server } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import cookie from '@fastify/cookie'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import type { Alarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { Meter } from '../kit/meter.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { repeat } from '../kit/repeat.ts'
import type { Site } from '../site/types.ts'
import { buildConsoleApp, closeConsoleApp, type ConsoleApp, type ConsoleAppOptions } from './app.ts'
import { Door } from './door.ts'
import { addGuard } from './guard.ts'
import { isLoopback, isOurHost, hostOf } from './hosts.ts'
import type { LinkView } from './link-api.ts'
import type { PasswordHash, ScryptCost } from './password-hash.ts'
import type { Role } from './principal.ts'
import { addSessionApi } from './session-api.ts'
import type { SessionLimits } from './sessions.ts'
import { changeUsersFile, FollowedUsers } from './users-file.ts'

/** The certificate that the appliance serves; a server that it knows follows it. */
export type ListenerCertificate = {
  readonly current: { cert: string; key: string }
  serveWith(server: Pick<TlsServer, 'setSecureContext'>): void
}

export type ConsoleOptions = {
  site: Pick<Site, 'console' | 'domain' | 'network'>
  version: string
  certificate: ListenerCertificate
  alarms: Pick<Alarms, 'raise' | 'end'>
  clock: Clock
  log: Log
  meter: Meter
  /** Everything that can be asked here beside signing in and out. */
  addRoutes: (app: ConsoleApp) => unknown
  limits?: SessionLimits
  /** Of password hashes: what is usual if absent. */
  cost?: ScryptCost
}

export type Console = {
  /** Where it listens, as a person types it. */
  readonly url: string
  /** Nobody could sign in with a password: a link is the way in. */
  readonly hasNoUsers: boolean
  /** @param by who asks for it */
  makeLink(role: Role, by: string): LinkView
  close(): Promise<void>
}

/** How soon a change of the users file counts. */
const LOOK_MS = 2_000
const HANDSHAKE_MS = 10_000

/**
 * What the page may do: load its own files, and ask its own listener. No HSTS: it would hold for every port of the name, and boot files are plain HTTP; and a
 * browser that knows it does not let a person accept a self-signed certificate.
 */
export const HEADERS: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  },
  strictTransportSecurity: false,
  xFrameOptions: { action: 'deny' },
}

/** Cookies know no ports: two appliances behind two tunnels to one workstation must not take each other's. */
export function cookieName(domain: string, secure: boolean): string {
  const mark = createHash('sha256').update(domain).digest('hex').slice(0, 8)
  return `${secure ? '__Host-' : ''}rackrise-${mark}`
}

function secureFactory(certificate: ListenerCertificate): NonNullable<ConsoleAppOptions['serverFactory']> {
  return handler => {
    const { cert, key } = certificate.current
    const server = createSecure({ cert, key, handshakeTimeout: HANDSHAKE_MS }, handler)
    certificate.serveWith(server)
    return server as unknown as Server
  }
}

function refusedPort(listen: Site['console'], error: NodeJS.ErrnoException): EnvironmentProblem {
  const where = `${listen.host}:${listen.port}`
  const hints: Record<string, [why: string, hint: string]> = {
    EADDRINUSE: [
      'something else listens there',
      `see \`ss -ltnp sport = :${listen.port}\` for what, or set console.listen to another port`,
    ],
    EADDRNOTAVAIL: ['this machine has no such address', 'see `ip address`, and set console.listen to one of them'],
    EACCES: ['ports below 1024 are for root', 'set console.listen to a higher port, such as 8300'],
  }
  const [why, hint] = hints[error.code ?? ''] ?? [error.message, 'set console.listen to another address and port']
  return new EnvironmentProblem('console-port', `can't listen on ${where} for the console: ${why}`, hint)
}

/** @returns the port, for a site that leaves it to the kernel: those of tests */
async function listen(app: ConsoleApp, where: Site['console']): Promise<number> {
  // Fastify would open a second server for the other family, which none of the limits were set for.
  const host = where.host === 'localhost' ? '127.0.0.1' : where.host
  await app.listen({ host, port: where.port }).catch((error: NodeJS.ErrnoException) => {
    throw refusedPort(where, error)
  })
  return (app.server.address() as AddressInfo).port
}

/** What a person types, or opens: an address that only says "everywhere" is none. */
function consoleUrl({ console: { host }, network }: Pick<Site, 'console' | 'network'>, port: number): string {
  const reached = host === '0.0.0.0' || host === '::' ? network.address : host
  const scheme = isLoopback(host) ? 'http' : 'https'
  return `${scheme}://${reached.includes(':') ? `[${reached}]` : reached}:${port}/`
}

type Users = { users: FollowedUsers; door: Door }

/** The door and the users that it knows, each told of the other. */
async function openDoor({ site, alarms, clock, log, meter, limits, cost }: ConsoleOptions): Promise<Users> {
  const followed = {
    get file() {
      return site.console.usersFile
    },
    ...{ log, alarms, onChange: () => door.sweep() },
  }
  const users = new FollowedUsers(followed)
  const strengthen = async (name: string, password: PasswordHash): Promise<boolean> => {
    const file = site.console.usersFile
    if (file === undefined) return false
    const problems = await changeUsersFile(file, { set: 'password', name, password })
    if (problems.length > 0) log.debug({ hint: problems[0]!.hint }, problems[0]!.message)
    else await users.look()
    return problems.length === 0
  }
  const door: Door = new Door({
    ...{ clock, log, meter, strengthen },
    users: () => users.current,
    ...(limits ? { limits } : {}),
    ...(cost ? { cost } : {}),
  })
  await users.look()
  return { users, door }
}

/** Listens, or throws EnvironmentProblem `console-port`. */
export async function openConsole(options: ConsoleOptions): Promise<Console> {
  const { site, version, certificate, clock, log, addRoutes } = options
  const secure = !isLoopback(site.console.host)
  const { users, door } = await openDoor(options)
  const app = await buildConsoleApp({
    ...{ log, version, identify: () => undefined },
    ...(secure ? { serverFactory: secureFactory(certificate) } : {}),
  })
  await app.register(helmet, HEADERS)
  await app.register(cookie)
  const cookieOf = { name: cookieName(site.domain, secure), secure }
  addGuard(app, {
    ...{ door, clock, cookieName: cookieOf.name, scheme: secure ? 'https' : 'http' },
    isOurHost: header => isOurHost(hostOf(header), site.console, secure ? certificate.current.cert : undefined),
  })
  addSessionApi(app, door, cookieOf)
  addRoutes(app)
  const url = consoleUrl(site, await listen(app, site.console))
  const failed = (error: unknown) => log.error({ error: String(error) }, 'the look at the users file failed')
  const stopLooking = repeat(
    clock,
    LOOK_MS,
    async () => {
      await users.look()
      door.sweep()
    },
    failed,
  )
  return {
    url,
    get hasNoUsers() {
      return door.hasNoUsers
    },
    makeLink(role, by) {
      const { secret, expiresAt } = door.makeLink(role, by)
      return { url: `${url}#link=${secret}`, role, expiresAt: new Date(expiresAt).toISOString() }
    },
    async close() {
      await stopLooking()
      await closeConsoleApp(app)
    },
  }
}
