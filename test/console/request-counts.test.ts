/** Requests are counted by the route that answers them, and open streams by what is open. */
import { type AddressInfo, connect } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EVENTS_ROUTE, requestCounts } from '../../services/console/request-counts.ts'
import { FakeMeter } from '../fake/meter.ts'

let app: FastifyInstance
let meter: FakeMeter

beforeEach(() => {
  meter = new FakeMeter()
  app = fastify()
  requestCounts(meter)(app)
  app.get('/api/v1/machines/:query', async (request, reply) =>
    (request.params as { query: string }).query === 'node1' ? {} : reply.code(404).send({}),
  )
  app.get(EVENTS_ROUTE, async (_, reply) => {
    reply.hijack()
    reply.raw.writeHead(200).write(':\n\n')
  })
})
afterEach(() => app.close())

test('a route is its pattern, and what has none is none', async () => {
  for (const path of [
    '/api/v1/machines/node1',
    '/api/v1/machines/bc:24:11:ab:12:21',
    '/secret',
    '/api/v1/machines/node1',
  ])
    await app.inject(path)
  expect(meter.read('rackrise_console_requests_total')).toEqual({
    'rackrise_console_requests_total{route="/api/v1/machines/:query",status="2xx"}': 2,
    'rackrise_console_requests_total{route="/api/v1/machines/:query",status="4xx"}': 1,
    'rackrise_console_requests_total{route="none",status="4xx"}': 1,
  })
})

test('a stream is open until its reader goes away', async () => {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const reader = connect(port, '127.0.0.1', () => reader.write(`GET ${EVENTS_ROUTE} HTTP/1.1\r\nhost: a\r\n\r\n`))
  const open = (): unknown => meter.read('rackrise_console')['rackrise_console_event_streams']
  await expect.poll(open).toBe(1)
  reader.destroy()
  await expect.poll(open).toBeUndefined()
  expect(meter.read('rackrise_console_requests_total')).toEqual({
    'rackrise_console_requests_total{route="/api/v1/events",status="2xx"}': 1,
  })
})
