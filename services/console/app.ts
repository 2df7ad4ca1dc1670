/**
 * The application behind the control socket and behind the port of the console: routes that are described by zod, one form of error (RFC 9457), and the
 * description of it all (OpenAPI 3.1) at `/api/v1/openapi.json`.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerFactoryHandler,
  type RawServerDefault,
  type RouteOptions,
} from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { STOP_GRACE_MS } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Log } from '../kit/log.ts'
import { RouteMethods } from '../kit/route-methods.ts'
import { addOpenapi, documentOptions } from './openapi.ts'
import { mayDo, type Principal } from './principal.ts'
import { detailsOf, PROBLEM_TYPE, type Refusal } from './problem-details.ts'
import { FAILED, NOT_ALLOWED, NOT_FOUND, NOT_SIGNED_IN, refusalOf, wrongMethod } from './refusals.ts'

export type ConsoleApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

export type ConsoleAppOptions = {
  log: Log
  version: string
  /** Who asks, as far as this listener knows; a hook that is added later may say so, too, until bodies are read. */
  identify: (request: FastifyRequest) => Principal | undefined | Promise<Principal | undefined>
  /** For TLS; plain HTTP without. */
  serverFactory?: (handler: FastifyServerFactoryHandler) => Server
}

/** Five hundred machines in one order are 12 KB, a system information is a few. */
const BODY_LIMIT_BYTES = 64 * 1024
/** How long a client may take, in milliseconds; a stream of events is never that quiet. */
const HEADERS_MS = 10_000
const REQUEST_MS = 30_000
const IDLE_MS = 120_000
const CONNECTIONS_MOST = 500

/** What is described and who may ask for it: said by every route, or nothing starts. */
export function requireDescription(route: Pick<RouteOptions, 'url' | 'method' | 'config' | 'schema'>): void {
  const { config, schema = {} } = route
  const isPage = schema.hide === true && !route.url.startsWith('/api/')
  const lacks = [
    ...(config?.role ? [] : ['config.role']),
    ...(isPage ? [] : (['operationId', 'summary', 'response'] as const).filter(part => !schema[part])),
  ]
  if (lacks.length > 0)
    throw new Error(`${[route.method].flat().join()} ${route.url} does not state ${lacks.join(', ')}`)
}

/** Another method than those of a path gets 405 and not 404 (RFC 9110 §15.5.6). */
function refuseWhatIsNot(app: ConsoleApp): void {
  const methods = new RouteMethods()
  app.addHook('onRoute', route => methods.add(route.url, route.method))
  app.setNotFoundHandler(async (request, reply) => {
    const allowed = methods.allowedAt(request.url.split('?', 1)[0]!.replace(/(?<=.)\/$/, ''))
    if (allowed === undefined) return NOT_FOUND
    void reply.header('allow', allowed)
    return wrongMethod(allowed)
  })
}

/** A role is compared when everybody has had the chance to say who asks, and before a body is read. */
function admit(app: ConsoleApp, identify: ConsoleAppOptions['identify']): void {
  app.decorateRequest('principal', undefined)
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('cache-control', 'no-store')
    request.principal = await identify(request)
  })
  app.addHook('preParsing', async (request, reply) => {
    const { role } = request.routeOptions.config
    if (request.is404 || role === 'none') return
    if (!request.principal) return reply.header('www-authenticate', 'Bearer').send(NOT_SIGNED_IN)
    if (!mayDo(request.principal, role ?? 'operator')) return reply.send(NOT_ALLOWED)
  })
}

/** Problems that handlers return become problem details; whatever is thrown becomes one that tells nothing of the inside. */
function sendProblems(app: ConsoleApp, log: Log): void {
  app.addHook('preSerialization', async (_request, reply, payload) => {
    if (!isProblem(payload)) return payload
    const details = detailsOf(payload as Refusal)
    void reply.code(details.status).type(PROBLEM_TYPE).serializer(JSON.stringify)
    return details
  })
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const refusal = refusalOf(error)
    if (refusal === FAILED)
      log.error({ error: error.message, route: request.routeOptions.url ?? '' }, 'a request to the API failed')
    return reply.send(refusal)
  })
}

/** What is no HTTP at all, or too slow to become a request. */
function refuseBroken(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const details = detailsOf(refusalOf(error))
  const body = JSON.stringify(details)
  socket.end(
    `HTTP/1.1 ${details.status} ${details.title}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

export async function buildConsoleApp(options: ConsoleAppOptions): Promise<ConsoleApp> {
  const { log, version, identify, serverFactory } = options
  const app: ConsoleApp = fastify({
    ...(serverFactory ? { serverFactory } : {}),
    bodyLimit: BODY_LIMIT_BYTES,
    clientErrorHandler: refuseBroken,
    // A path that can't be decoded never reaches a route, and would be repeated in the body.
    frameworkErrors: (error, _request, reply) => {
      const details = detailsOf(refusalOf(error))
      void (reply as FastifyReply)
        .code(details.status)
        .type(PROBLEM_TYPE)
        .send(Buffer.from(JSON.stringify(details)))
    },
    trustProxy: false,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true },
  }).withTypeProvider<ZodTypeProvider>()
  const { server } = app
  Object.assign(server, { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, maxConnections: CONNECTIONS_MOST })
  server.setTimeout(IDLE_MS)
  app.setValidatorCompiler(validatorCompiler)
  // What is sent was made from the same schemas at compile time; ten thousand machines are not parsed once more.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  app.addHook('onRoute', requireDescription)
  acceptJson(app)
  refuseWhatIsNot(app)
  admit(app, identify)
  sendProblems(app, log)
  await app.register(swagger, documentOptions(version))
  addOpenapi(app)
  return app
}

/** JSON only: a form of another site can't send it without asking first. No body at all is none. */
function acceptJson(app: ConsoleApp): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body.length === 0 ? done(null, undefined) : parse(request, body as string, done),
  )
}

/** Ends its streams, stops taking work, gives what runs ten seconds, then cuts it (L14). */
export async function closeConsoleApp(app: Pick<ConsoleApp, 'server' | 'close'>): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), STOP_GRACE_MS)
  await app.close()
  clearTimeout(cut)
}
