import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Layers } from '../../services/answer/layer.ts'
import { buildConsoleApp, closeConsoleApp, type ConsoleApp } from '../../services/console/app.ts'
import { addHealthApi, type HealthSource } from '../../services/console/health-api.ts'
import type { Role } from '../../services/console/principal.ts'
import { checkSchema, doctorSchema, layersSchema, rulesSchema } from '../../services/console/schema/health.ts'
import { addSiteApi } from '../../services/console/site-api.ts'
import { Fleet, HeardLog, LISTED, siteOf } from '../machine/rig.ts'

const AT = Date.UTC(2026, 10, 26, 11)
const problem = {
  code: 'interface-missing',
  message: 'eth1 does not exist',
  hint: 'see `ip link`',
  severity: 'error',
} as const
const found = { code: 'alone', message: 'no other DHCP server answers', hint: 'nothing', severity: 'ok' } as const
const NO_LAYERS: Layers = { byName: new Map(), byMac: new Map(), broken: new Map(), problems: [] }

let app: ConsoleApp
let role: Role
let asked: boolean[]
let last: ReturnType<HealthSource['lastExamination']>

beforeEach(async () => {
  role = 'viewer'
  asked = []
  last = undefined
  app = await buildConsoleApp({
    log: new HeardLog(),
    version: '1.2.3',
    identify: () => ({ name: 'vera', role, via: 'session' }),
  })
  addHealthApi(app, {
    async check(fresh) {
      asked.push(fresh)
      return { at: AT, tookMs: 120, problems: [problem] }
    },
    async examine() {
      return (last = { at: AT, tookMs: 5500, findings: [found] })
    },
    lastExamination: () => last,
  })
  const site = siteOf(`${LISTED}[[rule]]\nwhen = { serial = "7K*" }\nprofile = "pve"\n`)
  const { registry } = await Fleet.open(site)
  addSiteApi(app, { site, registry, layers: async () => NO_LAYERS })
})

afterEach(() => closeConsoleApp(app))

test('check: the last run, and another one for who wants it fresh', async () => {
  const reply = await app.inject('/api/v1/check')
  await app.inject('/api/v1/check?fresh=true')
  expect([reply.statusCode, checkSchema.parse(reply.json()), asked]).toEqual([
    200,
    { at: '2026-11-26T11:00:00.000Z', tookMs: 120, problems: [problem] },
    [false, true],
  ])
  expect((await app.inject('/api/v1/check?fresh=soon')).statusCode).toBe(400)
})

test('doctor: nothing before somebody has looked; looking is for operators, since it speaks on the wire', async () => {
  expect((await app.inject('/api/v1/doctor')).json()).toEqual({})
  expect((await app.inject({ method: 'POST', url: '/api/v1/doctor' })).json()).toMatchObject({ code: 'not-allowed' })
  role = 'operator'
  const run = await app.inject({ method: 'POST', url: '/api/v1/doctor' })
  const expected = { at: '2026-11-26T11:00:00.000Z', tookMs: 5500, findings: [found] }
  expect([run.statusCode, doctorSchema.parse(run.json())]).toEqual([200, expected])
  expect((await app.inject('/api/v1/doctor')).json()).toEqual(expected)
})

test('rules and layers are what they are said to be', async () => {
  const rules = rulesSchema.parse((await app.inject('/api/v1/rules')).json())
  expect(rules).toMatchObject({ rules: [{ rule: 1, when: ['serial = "7K*"'], machines: [] }], unlisted: 0 })
  expect(layersSchema.parse((await app.inject('/api/v1/layers')).json())).toEqual({ layers: [] })
})
