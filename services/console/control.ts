/** Everything that can be asked, through the control socket and at the port of the console, over one appliance. */
import type { Passwords } from '../answer/passwords.ts'
import type { Alarms } from '../kit/alarms.ts'
import type { Exposition, Meter } from '../kit/meter.ts'
import type { IsoCatalogue } from '../iso/catalogue.ts'
import type { Clock } from '../kit/clock.ts'
import type { WorkList } from '../kit/work.ts'
import type { DocumentStore, EventStore, PasswordStore } from '../store/types.ts'
import type { Outbox } from '../webhook/outbox.ts'
import { addAlarmApi } from './alarm-api.ts'
import type { ConsoleApp } from './app.ts'
import { addApplianceApi, type ApplianceContext } from './appliance-api.ts'
import { addDocumentApi } from './document-api.ts'
import { localDocuments } from './documents.ts'
import { type ExplainContext, localExplainer } from './explain.ts'
import { addExplainApi } from './explain-api.ts'
import { localFleet } from './fleet.ts'
import type { EventFeed } from './event-feed.ts'
import { addFleetApi } from './fleet-api.ts'
import { localForgetting } from './forget.ts'
import { addForgetApi } from './forget-api.ts'
import { addHealthApi, type HealthSource } from './health-api.ts'
import { addEventsApi } from './events-api.ts'
import { feedOver } from './topics.ts'
import { addIsoApi } from './iso-api.ts'
import { localIsos } from './isos.ts'
import { addLeaseApi } from './lease-api.ts'
import { type LeaseSource, localLeases } from './leases.ts'
import { addMetricsApi } from './metrics-api.ts'
import { addPasswordApi } from './password-api.ts'
import { localPasswords } from './passwords.ts'
import { rehearseBy } from './rehearsal.ts'
import { addReloadApi, type ReloadSource } from './reload-api.ts'
import { requestCounts } from './request-counts.ts'
import { addSiteApi } from './site-api.ts'
import { isoVerifier } from './verify-iso.ts'
import { addWebhookApi } from './webhook-api.ts'
import { addWorkApi } from './work-api.ts'

export type ControlContext = Omit<ExplainContext, 'passwords' | 'documents' | 'catalogue' | 'clock'> &
  Omit<ApplianceContext, 'prove' | 'loaded'> & {
    store: {
      documents: DocumentStore
      passwords: PasswordStore
      events: Pick<EventStore, 'page' | 'newest'>
      prove(): Promise<void>
      readonly waiting: number
    }
    work: WorkList
    catalogue: IsoCatalogue
    passwords: Passwords
    leases: LeaseSource
    outbox: Outbox
    alarms: Alarms
    meter: Meter & Exposition
    clock: Clock
    health: HealthSource
    reloading: ReloadSource
  }

/** What is open belongs to the appliance, which closes it. */
const NOTHING = async (): Promise<void> => {}

/** One for all listeners, so that news becomes text once. */
const feeds = new WeakMap<ControlContext, EventFeed>()

function feedOfAll(context: ControlContext): EventFeed {
  const feed = feeds.get(context) ?? feedOver(context)
  feeds.set(context, feed)
  return feed
}

export function addControl(app: ConsoleApp, context: ControlContext): void {
  const { registry, site, store, passwords, catalogue, clock, leases } = context
  requestCounts(context.meter)(app)
  const explainer = localExplainer({ ...context, passwords: store.passwords, documents: store.documents }, NOTHING)
  addApplianceApi(app, { ...context, prove: () => store.prove(), loaded: () => context.reloading.loaded })
  addReloadApi(app, context.reloading)
  addFleetApi(app, localFleet(registry, rehearseBy(explainer), NOTHING))
  addForgetApi(app, localForgetting({ registry, leases }, NOTHING))
  addLeaseApi(app, localLeases(leases, registry, clock, NOTHING))
  addIsoApi(app, localIsos(catalogue, site))
  addDocumentApi(app, localDocuments(registry, store.documents, NOTHING))
  addPasswordApi(app, localPasswords(registry, passwords, NOTHING))
  addExplainApi(app, explainer)
  addWebhookApi(app, context.outbox)
  addAlarmApi(app, context.alarms)
  addMetricsApi(app, context.meter)
  addHealthApi(app, context.health)
  addWorkApi(app, context, isoVerifier(context))
  addSiteApi(app, context)
  addEventsApi(app, feedOfAll(context), context.log)
}
