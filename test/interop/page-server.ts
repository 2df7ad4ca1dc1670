/** The console's own listener over a rack, with its real door, its users and its headers. */
import { addAlarmApi } from '../../services/console/alarm-api.ts'
import { addApplianceApi } from '../../services/console/appliance-api.ts'
import type { ConsoleApp } from '../../services/console/app.ts'
import { addExplainApi } from '../../services/console/explain-api.ts'
import { EventFeed } from '../../services/console/event-feed.ts'
import { addEventsApi } from '../../services/console/events-api.ts'
import { localFleet, machineViewer } from '../../services/console/fleet.ts'
import { localForgetting } from '../../services/console/forget.ts'
import { addForgetApi } from '../../services/console/forget-api.ts'
import { addFleetApi } from '../../services/console/fleet-api.ts'
import type { IsoVerifier } from '../../services/console/verify-iso.ts'
import { addWorkApi } from '../../services/console/work-api.ts'
import { addReloadApi } from '../../services/console/reload-api.ts'
import { addPage } from '../../services/console/page-files.ts'
import type { Explanation, RehearsalView } from '../../services/console/schema/explanation.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { WorkList } from '../../services/kit/work.ts'
import { silentLog } from '../../services/kit/log.ts'
import { FakeReloading } from '../fake/reloading.ts'
import { Listener, PASSWORD, type SignedIn } from '../console/listener-rig.ts'
import type { Rack } from '../console/page/rack.ts'

export { PASSWORD }

/** `doubt`: what every rehearsal comes to. */
export type Ways = { user?: 'anna' | 'ben' | undefined; users?: boolean; doubt?: RehearsalView }

export type Served = {
  url: string
  work: WorkList
  reloading: FakeReloading
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

/** Work that is as far as the test says; verifying lasts until it is cancelled. */
const verifierOver = (work: WorkList): IsoVerifier => ({
  idOf: file => `verify:${file}`,
  start(subject) {
    const about = {
      id: `verify:${subject}`,
      what: 'verify',
      subject,
      unit: 'bytes',
      total: 1.6e9,
      canCancel: true,
    } as const
    void work
      .run(
        about,
        (_, signal) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('over')))),
      )
      .catch(() => {})
    return undefined
  },
})

type Given = { rack: Rack; doubt: RehearsalView | undefined; work: WorkList; reloading: FakeReloading }

function addRackRoutes(app: ConsoleApp, { rack, doubt, work, reloading }: Given): void {
  const { registry, clock, site } = rack
  const nothing = async (): Promise<void> => {}
  addPage(app as never)
  addApplianceApi(app, {
    ...{ site, clock, version: '0.1.0', startedAt: clock.now(), log: silentLog },
    ...{ fingerprint: () => undefined, prove: nothing, loaded: () => reloading.loaded },
  })
  addReloadApi(app, reloading)
  addAlarmApi(app, new Alarms(clock))
  addWorkApi(app, { work, clock }, verifierOver(work))
  addFleetApi(
    app,
    localFleet(registry, async () => doubt, nothing),
  )
  addForgetApi(app, localForgetting({ registry, leases: { drop: async () => [] } }, nothing))
  const explain = async (query = '') => explained(rack, query, doubt)
  addExplainApi(app, { explain, reveal: explain })
  const feed = new EventFeed({
    registry,
    events: rack.store,
    view: machineViewer(registry),
    work,
    topics: [],
    reloading,
    version: '0.1.0',
    clock,
    log: silentLog,
  })
  addEventsApi(app, feed, silentLog)
}

export async function serveRack(rack: Rack, { user, users = true, doubt }: Ways = { user: 'anna' }): Promise<Served> {
  const apps: ConsoleApp[] = []
  const work = new WorkList(rack.clock)
  const reloading = new FakeReloading(rack.site, rack.clock)
  const listener = await Listener.open({
    users,
    addRoutes: app => {
      apps.push(app)
      addRackRoutes(app, { rack, doubt, work, reloading })
    },
  })
  const session: SignedIn | undefined = user && (await listener.signIn({ name: user, password: PASSWORD }))
  const [name = '', value = ''] = session?.cookie.split('=', 2) ?? []
  return {
    url: listener.console.url.replace(/\/$/, ''),
    work,
    reloading,
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
