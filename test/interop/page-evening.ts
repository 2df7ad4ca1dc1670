/** What the page asks for beside machines, on an evening when not everything is well. */
import type { LeaseView } from '../../services/console/schema/lease.ts'
import * as things from '../console/page/things.ts'
import type { Answers } from './page-browser.ts'

/** As the API filters them. */
function leasesFor(leases: readonly LeaseView[], query: URLSearchParams): LeaseView[] {
  const [macs, state, search = ''] = [query.getAll('mac'), query.get('state'), query.get('search') ?? undefined]
  return leases.filter(
    lease =>
      (macs.length === 0 || macs.includes(lease.mac)) &&
      (state === null || lease.state === state) &&
      `${lease.address}\n${lease.mac}\n${lease.name ?? ''}\n${lease.state}`.includes(search),
  )
}

/** @param q what those say who can say what they like */
export const evening = (q = ''): Answers => ({
  'GET /api/v1/alarms': () => things.alarms(q),
  'GET /api/v1/isos': () => things.library(q),
  'GET /api/v1/leases': request => leasesFor(things.leases(q), new URL(request.url()).searchParams),
  'GET /api/v1/metrics': () => things.metrics,
  'GET /api/v1/rules': () => things.rules(q),
  'GET /api/v1/layers': () => things.layers,
  'GET /api/v1/check': () => things.check(),
  'GET /api/v1/doctor': () => things.doctor(q),
  'GET /api/v1/webhooks': () => things.webhooks(q),
  'GET /api/v1/machines/:id/devices': () => things.devices(q),
  'GET /api/v1/machines/:id/system-information': () => ({ at: new Date().toISOString(), information: { q } }),
  'GET /api/v1/machines/:id/explanation': () => things.explanation(q),
})
