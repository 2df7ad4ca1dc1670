/** What the page asks for beside machines, on an evening when not everything is well. */
import * as things from '../console/page/things.ts'
import type { Answers } from './page-browser.ts'

/** @param q what those say who can say what they like */
export const evening = (q = ''): Answers => ({
  'GET /api/v1/alarms': () => things.alarms(q),
  'GET /api/v1/isos': () => things.library(q),
  'GET /api/v1/leases': () => things.leases(q),
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
