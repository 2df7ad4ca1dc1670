/** The two listeners: plain HTTP for boot files, TLS for answers, reports and first-boot scripts. */
import { createServer as createPlain, type Server } from 'node:http'
import { createServer as createSecure } from 'node:https'
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerFactoryHandler,
} from 'fastify'
import { STOP_GRACE_MS } from '../kit/clock.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { RouteMethods } from '../kit/route-methods.ts'
import { hasFarSubnets } from '../site/networks.ts'
import type { Site } from '../site/types.ts'
import { addAnswer } from './answer.ts'
import { openBodies } from './bodies.ts'
import { addBootFiles } from './boot-files.ts'
import { addBootScript } from './boot-script.ts'
import { WriteFailure } from '../store/turn-writer.ts'
import { clientAddress, type HttpContext } from './context.ts'
import type { Rates } from './pace.ts'
import { shareConnections } from './client-share.ts'
import { addGrubConfig } from './grub-config.ts'
import { addFirstBoot } from './first-boot.ts'
import { addIsoFiles, addLoaders } from './iso-files.ts'
import { TLS_CONTEXT } from './served-certificate.ts'
import { REASONS, type Route } from './reasons.ts'
import { tellRefusal, tellTooMany } from './refusal.ts'
import { addWebhook } from './webhook.ts'

/** System information is a few KB; 64 KiB is ten times the largest seen (L06). */
const BODY_LIMIT_BYTES = 64 * 1024

/** How long a client may take, in milliseconds, and how many connections a listener holds (L06). */
export type HttpLimits = {
  headersMs: number
  requestMs: number
  /** Nothing moves in either direction; longer than a loader takes to unpack what it has. */
  idleMs: number
  /** How often the limits are looked at. */
  checkEveryMs: number
  connections: number
  /** Of these, what one address may hold: a machine has one or two. */
  connectionsOfClient: number
}

export const DEFAULT_LIMITS: HttpLimits = {
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 120_000,
  checkEveryMs: 5_000,
  connections: 2_000,
  connectionsOfClient: 128,
}

export type HttpServer = {
  /** The rates of the site as it is now, for bodies that are under way, too. */
  pace(): void
  close(): Promise<void>
}

export type HttpOptions = {
  context: HttpContext
  /** Name to path and size, from a listing of the loaders folder. */
  loaders: ReadonlyMap<string, { path: string; size: number }>
  /** Descriptors of listening sockets; the servers own them from here on. */
  plainSocket: number
  tlsSocket: number
  limits?: HttpLimits
}

/** What a person reads who comes with something that is no request of a machine; never anything of what was asked (L04). */
const NOT_UNDERSTOOD = 'this is not a request that can be understood; send a plain path of what is served here\n'
const CLIENT_ERRORS: Record<number, string> = {
  413: `the body is too large; system information may have ${BODY_LIMIT_BYTES} bytes, a report 1 MiB\n`,
}

/** Paths and what may be done with them, so that another method gets 405 and not 404 (L04). */
function refuseOtherMethods(app: FastifyInstance): void {
  const methods = new RouteMethods()
  app.addHook('onRoute', route => methods.add(route.url, route.method))
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods.allowedAt(request.url.split('?', 1)[0]!)
    void reply.type('text/plain; charset=utf-8')
    if (allowed === undefined) return reply.code(404).send('there is nothing here; check the path\n')
    return reply.code(405).header('allow', allowed).send('this method is not for this path\n')
  })
}

function refuseUnreadable(_error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  void reply.code(400).type('text/plain; charset=utf-8').send(NOT_UNDERSTOOD)
}

/** Whose first part of the path is what. */
const ROUTES: Record<string, Route> = {
  answer: 'answer',
  api2: 'answer',
  webhook: 'report',
  'first-boot': 'first-boot',
}

/** Nothing was given: the installer prints this line, and a loader goes on to the disk. */
function refuseUnwritten(
  context: Pick<HttpContext, 'log' | 'counts' | 'alarms'>,
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const route = ROUTES[request.url.split(/[/?]/)[1]!] ?? 'script'
  const { message, action } = REASONS['store-failed']
  tellRefusal(context, route, 'store-failed', {
    address: clientAddress(request.socket.remoteAddress),
    error: error.message,
  })
  void reply.code(503).type('text/plain; charset=utf-8').send(`Rackrise: ${message}; ${action} (store-failed)\n`)
}

/** An application whose bodies are bytes, whatever their content type says: installers truncate the charset (8.2.6). */
function buildApp(
  factory: ((handler: FastifyServerFactoryHandler) => Server) | undefined,
  context: Pick<HttpContext, 'log' | 'counts' | 'alarms'>,
): FastifyInstance {
  const app = fastify({
    ...(factory ? { serverFactory: factory } : {}),
    bodyLimit: BODY_LIMIT_BYTES,
    // A path that can't be decoded never reaches a route, and would be repeated in the body.
    frameworkErrors: refuseUnreadable,
    trustProxy: false,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', async request => {
    // The parser refuses a header such as `application/json; charset=utf-`, which PVE 8.2 sends; what it says never matters here.
    if (request.headers['content-type'] !== undefined) request.raw.headers['content-type'] = 'application/octet-stream'
  })
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof WriteFailure) return refuseUnwritten(context, error, request, reply)
    const status = error.statusCode ?? 500
    if (status >= 500) context.log.error({ error: error.message }, 'a request failed')
    void reply
      .code(status)
      .type('text/plain; charset=utf-8')
      .send(
        status >= 500 ? 'this appliance failed to answer; see its log\n' : (CLIENT_ERRORS[status] ?? NOT_UNDERSTOOD),
      )
  })
  refuseOtherMethods(app)
  return app
}

/**
 * Fastify sets what it knows of; the rest is set here. A socket on which nothing moves is closed by Node. Nobody is told to go on with a body (100
 * Continue): the installer takes that for the answer, and curl sends its body a second later without it.
 */
function limit(
  server: Server,
  { idleMs, connections, connectionsOfClient }: HttpLimits,
  context: Pick<HttpContext, 'log' | 'alarms'>,
): Server {
  server.timeout = idleMs
  server.maxConnections = connections
  shareConnections(server, connectionsOfClient, client => tellTooMany(context, client, connectionsOfClient))
  for (const expecting of ['checkContinue', 'checkExpectation'])
    server.on(expecting, (request, response) => server.emit('request', request, response))
  return server
}

async function listenOn(app: FastifyInstance, socket: number): Promise<void> {
  await app.ready()
  await new Promise<void>((resolve, reject) => {
    app.server.once('error', error =>
      reject(new EnvironmentProblem('socket', error.message, 'see who else holds the HTTP ports')),
    )
    app.server.listen({ fd: socket }, resolve)
  })
}

/** Stops taking work, gives running transfers ten seconds, then cuts them (L14). */
async function closeApp(app: FastifyInstance): Promise<void> {
  const { server } = app
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS)
  await closed
  clearTimeout(cut)
  await app.close()
}

function ratesOf({ boot: { rateLimit: perMachine, totalRateLimit: total } }: Pick<Site, 'boot'>): Rates {
  return { ...(perMachine ? { perMachine } : {}), ...(total ? { total } : {}) }
}

export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { context, limits = DEFAULT_LIMITS } = options
  const times = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkEveryMs,
  }
  const { network, dhcp } = context.site
  const isOneWire = !hasFarSubnets({ own: network.prefix, subnets: dhcp.subnets })
  const bodies = openBodies({
    rates: ratesOf(context.site),
    listener: options.plainSocket,
    isOneWire,
    log: context.log,
  })
  const plain = buildApp(handler => limit(createPlain(times, handler), limits, context), context)
  const withBodies = { ...context, bodies }
  addBootScript(plain, context, options.loaders)
  addGrubConfig(plain, context)
  addBootFiles(plain, withBodies)
  addIsoFiles(plain, withBodies)
  addLoaders(plain, withBodies, options.loaders)
  const { cert, key } = context.certificate.current
  const secure = { ...times, ...TLS_CONTEXT, cert, key, handshakeTimeout: limits.headersMs }
  const tls = buildApp(handler => {
    const server = createSecure(secure, handler)
    context.certificate.serveWith(server)
    return limit(server as unknown as Server, limits, context)
  }, context)
  addAnswer(tls, context)
  addWebhook(tls, context)
  addFirstBoot(tls, context)
  await listenOn(plain, options.plainSocket)
  await listenOn(tls, options.tlsSocket)
  return {
    pace: () => bodies.sender.pace(ratesOf(context.site)),
    async close() {
      await Promise.all([closeApp(plain), closeApp(tls)])
      await bodies.sender.close()
    },
  }
}
