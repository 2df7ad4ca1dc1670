/** What the page is tested with is what the API tells: every example is one of its schemas. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { alarmView } from '../../../services/console/schema/alarm.ts'
import { devicesView } from '../../../services/console/schema/document.ts'
import { explanation } from '../../../services/console/schema/explanation.ts'
import { checkSchema, doctorSchema, layersSchema, rulesSchema } from '../../../services/console/schema/health.ts'
import { libraryView } from '../../../services/console/schema/iso.ts'
import { leaseView } from '../../../services/console/schema/lease.ts'
import { webhookView } from '../../../services/console/schema/webhook.ts'
import * as things from './things.ts'

test.each<[string, z.ZodType, unknown]>([
  ['alarms', z.array(alarmView), things.alarms()],
  ['library', libraryView, things.library()],
  ['leases', z.array(leaseView), things.leases()],
  ['rules', rulesSchema, things.rules()],
  ['layers', layersSchema, things.layers],
  ['check', checkSchema, things.check()],
  ['doctor', doctorSchema, things.doctor()],
  ['webhooks', z.array(webhookView), things.webhooks()],
  ['devices', devicesView, things.devices()],
  ['explanation', explanation, things.explanation()],
])('%s', (_, schema, thing) => expect(schema.safeParse(thing).error).toBeUndefined())
