/** The console's own listener over a rack, with its real door, its users and its headers. */
import { z } from 'zod'
import { addAlarmApi } from '../../services/console/alarm-api.ts'
import { addApplianceApi } from '../../services/console/appliance-api.ts'
import type { ConsoleApp } from '../../services/console/app.ts'
import { addExplainApi } from '../../services/console/explain-api.ts'
import { localFleet } from '../../services/console/fleet.ts'
import { addFleetApi } from '../../services/console/fleet-api.ts'
import { viewEvent } from '../../services/console/machine-view.ts'
import { addPage } from '../../services/console/page-files.ts'
import type { Explanation, RehearsalView } from '../../services/console/schema/explanation.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { silentLog } from '../../services/kit/log.ts'
import { Listener, PASSWORD, type SignedIn } from '../console/listener-rig.ts'
import type { Rack } from '../console/page/rack.ts'

export { PASSWORD }

/** `doubt`: what every rehearsal comes to. */
export type Ways = { user?: 'anna' | 'ben' | undefined; users?: boolean; doubt?: RehearsalView }

export type Served = {
  url: string
  /** As which the browser is to come, if it is to be signed in already. */
  cookie: { name: string; value: string } | undefined
  makeLink(): string
  /** Cuts every connection. */
  drop(): void
  signOut(): Promise<void>
  close(): Promise<void>
}

function explained(rack: Rack, query: string, rehearsal: RehearsalView | undefined): Explanation {
  const [machine] = rack.registry.find(query)
  return {
    machine: { id: machine!.id, macs: machine!.macs, seen: true },
    ...{ conflicts: [], facts: [], listed: 'machine', rules: [], problems: [], notes: [] },
    plan: { boots: 'disk', why: 'nobody approved it' },
    ...(rehearsal ? { rehearsal } : {}),
  }
}

function addRackRoutes(app: ConsoleApp, rack: Rack, doubt: RehearsalView | undefined): void {
  const { registry, clock, site } = rack
  const nothing = async (): Promise<void> => {}
  addPage(app as never)
  addApplianceApi(app, {
    ...{ site, clock, version: '0.1.0', startedAt: clock.now(), log: silentLog },
    ...{ fingerprint: () => undefined, prove: nothing },
  })
  addAlarmApi(app, new Alarms(clock))
  addFleetApi(
    app,
    localFleet(registry, async () => doubt, nothing),
  )
  const explain = async (query = '') => explained(rack, query, doubt)
  addExplainApi(app, { explain, reveal: explain })
  addEvents(app, rack)
}

/** What happens to the rack, as a stream; who comes back is told to ask for everything. */
function addEvents(app: ConsoleApp, { registry }: Rack): void {
  const fleet = localFleet(
    registry,
    async () => undefined,
    async () => {},
  )
  app.get(
    '/api/v1/events',
    {
      config: { role: 'viewer' },
      schema: { operationId: 'followEvents', summary: 'What happens', response: { 200: z.string() } },
    },
    async (request, reply) => {
      const tell = (name: string, id: number, data: unknown): boolean =>
        reply.raw.write(`event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`)
      reply.hijack()
      const headers = reply.getHeaders() as Record<string, string>
      reply.raw.writeHead(200, { ...headers, 'content-type': 'text/event-stream' })
      tell('hello', 0, { seq: 0, version: '0.1.0' })
      if (request.headers['last-event-id'] !== undefined) tell('reset', 0, {})
      const end = registry.subscribe(({ id }, event) => {
        void fleet.show(id).then(machine => tell('machine', event.seq ?? 0, { machine, event: viewEvent(event) }))
      })
      reply.raw.on('close', end)
      return reply
    },
  )
}

export async function serveRack(rack: Rack, { user, users = true, doubt }: Ways = { user: 'anna' }): Promise<Served> {
  const apps: ConsoleApp[] = []
  const listener = await Listener.open({
    users,
    addRoutes: app => {
      apps.push(app)
      addRackRoutes(app, rack, doubt)
    },
  })
  const session: SignedIn | undefined = user && (await listener.signIn({ name: user, password: PASSWORD }))
  const [name = '', value = ''] = session?.cookie.split('=', 2) ?? []
  return {
    url: listener.console.url.replace(/\/$/, ''),
    cookie: session && { name, value },
    makeLink: () => listener.console.makeLink('operator', 'anna').url,
    drop: () => apps.forEach(app => app.server.closeAllConnections()),
    async signOut() {
      const { cookie, csrf } = session!
      const { origin } = new URL(listener.console.url)
      await listener.ask('DELETE', '/api/v1/session', { headers: { cookie, origin, 'x-csrf-token': csrf } })
    },
    async close() {
      apps.forEach(app => app.server.closeAllConnections())
      await listener.close()
    },
  }
}
