/** The page and what it asks for, over a rack. */
import fastify, { type FastifyReply } from 'fastify'
import { localFleet } from '../../services/console/fleet.ts'
import { viewEvent } from '../../services/console/machine-view.ts'
import { addPage } from '../../services/console/page-files.ts'
import { detailsOf } from '../../services/console/problem-details.ts'
import type { RehearsalView } from '../../services/console/schema/explanation.ts'
import type { Action } from '../../services/console/schema/machine.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Rack } from '../console/page/rack.ts'

export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

export type Served = { url: string; close(): Promise<void>; drop(): void; streams: number; signOut(): void }
export type Ways = { user?: { name: string; role: string } | undefined; canLink?: boolean; doubt?: RehearsalView }

type Order = { action: Action; machines: string[]; profile?: string; reason?: string; confirmDisks?: boolean }

export async function serveRack(
  rack: Rack,
  ways: Ways = { user: { name: 'anna', role: 'operator' } },
): Promise<Served> {
  const { registry, clock } = rack
  let user = ways.user
  const app = fastify()
  const fleet = localFleet(
    registry,
    async () => ways.doubt,
    async () => {},
  )
  const streams = new Set<FastifyReply['raw']>()
  const tell = (name: string, data: unknown, id?: number): void => {
    for (const stream of streams)
      stream.write(`event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)
  }
  const refuse = (reply: FastifyReply, code: string, message: string, more = {}): FastifyReply => {
    const details = detailsOf({ code, message, hint: 'try again', severity: 'error' })
    return reply
      .code(details.status)
      .type('application/problem+json')
      .send({ ...details, ...more })
  }
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('content-security-policy', POLICY)
    const isOpen = request.url === '/api/v1/session' || !request.url.startsWith('/api/')
    if (!isOpen && !user) return refuse(reply, 'not-signed-in', 'nobody is signed in')
  })
  addPage(app)
  const session = () => ({ user, csrf: 'token', expiresAt: new Date(Date.now() + 3_600_000).toISOString() })
  app.get('/api/v1/session', async (_, reply) =>
    user ? session() : refuse(reply, 'not-signed-in', 'nobody is signed in', { canLink: ways.canLink ?? false }),
  )
  app.post('/api/v1/session', async (request, reply) => {
    const { password, link } = request.body as { password?: string; link?: string }
    if (password !== 'right' && link !== 'once') return refuse(reply, 'not-signed-in', 'name or password is wrong')
    user = { name: 'anna', role: 'operator' }
    return session()
  })
  app.delete('/api/v1/session', async (_, reply) => {
    user = undefined
    return reply.code(204).send()
  })
  app.get('/api/v1/appliance', async () => ({
    ...{ name: 'rack-7', domain: 'rack7.example.org', version: '0.1.0', interface: 'eth1', address: '10.77.0.1/24' },
    ...{
      startedAt: new Date(0).toISOString(),
      now: new Date(clock.now()).toISOString(),
      mode: 'server',
      unknown: 'hold',
    },
    profiles: ['pve', 'pbs'].map(name => ({ name, iso: `${name}:latest`, answers: ['base'], kernelArgs: [] })),
  }))
  app.get('/api/v1/alarms', async () => [])
  app.get('/api/v1/machines', async () => fleet.list())
  app.get('/api/v1/machines/:id/timeline', async request => fleet.timeline((request.params as { id: string }).id, 0))
  app.get('/api/v1/machines/:id/explanation', async () => ({ rehearsal: ways.doubt }))
  app.post('/api/v1/orders', async request => {
    const { action, machines, ...words } = request.body as Order
    const results = []
    for (const machine of machines) {
      const outcome = await fleet.order(machine, action, words, 'anna')
      results.push(isProblem(outcome) ? { machine, ok: false, problem: outcome } : { machine, ok: true, view: outcome })
    }
    return { results }
  })
  app.get('/api/v1/events', (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write('event: hello\nid: 0\ndata: {"seq":0,"version":"0.1.0"}\n\n')
    if (request.headers['last-event-id'] !== undefined) reply.raw.write('event: reset\ndata: {}\n\n')
    streams.add(reply.raw)
    reply.raw.on('close', () => streams.delete(reply.raw))
  })
  const end = registry.subscribe((machine, event) => {
    void fleet
      .show(machine.id)
      .then(view => tell('machine', { machine: view, event: viewEvent(event) }, event.seq ?? 0))
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    get streams() {
      return streams.size
    },
    drop: () => streams.forEach(stream => stream.destroy()),
    signOut() {
      user = undefined
    },
    async close() {
      end()
      for (const stream of streams) stream.destroy()
      app.server.closeAllConnections()
      await app.close()
    },
  }
}
