/** What is counted of requests to the API: by the route's pattern, never by its path, and the streams of events that are open. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Meter } from '../kit/meter.ts'

export const EVENTS_ROUTE = '/api/v1/events'
/** What no route answers. */
const NO_ROUTE = 'none'
export const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const

/** The application of a listener, before it is ready. */
type App = {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply) => Promise<void>): unknown
}

/** All listeners of one appliance count together. */
const ofMeters = new WeakMap<Meter, (app: App) => void>()

/** @returns what is to be called for every application that serves the API */
export function requestCounts(meter: Meter): (app: App) => void {
  const known = ofMeters.get(meter) ?? newCounts(meter)
  ofMeters.set(meter, known)
  return known
}

function newCounts(meter: Meter): (app: App) => void {
  const requests = meter.counter('rackrise_console_requests_total', 'Requests to the API, by route and status', [
    'route',
    'status',
  ])
  let streams = 0
  meter.gauge('rackrise_console_event_streams', 'Streams of events that are open', [], () => [[{}, streams]])
  return app => {
    app.addHook('onRequest', async (request, reply) => {
      const route = request.routeOptions.url ?? NO_ROUTE
      const isStream = route === EVENTS_ROUTE
      if (isStream) streams += 1
      // Also of a stream, or of a client that went away: whatever happens, a response closes.
      reply.raw.once('close', () => {
        if (isStream) streams -= 1
        requests({ route, status: `${Math.floor(reply.raw.statusCode / 100)}xx` })
      })
    })
  }
}
