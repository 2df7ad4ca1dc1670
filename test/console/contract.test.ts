/** What the API promises: every operation that it describes is asked, well and badly, and what it answers is compared with its own description. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeConsoleApp } from '../../services/console/app.ts'
import { type FakeAppliance, fakeAppliance } from './rig.ts'

type Operation = {
  operationId: string
  summary: string
  responses: Record<string, Response>
  parameters?: { in: string; name: string }[]
}
type Response = { content?: Record<string, { schema: object }> }
type Document = { openapi: string; paths: Record<string, Record<string, Operation>>; components: { schemas: object } }

/** Asked in this order: method, path, body, status. A stream has a test of its own. */
const ASKED: [operationId: string, method: 'GET' | 'POST', url: string, body: unknown, status: number][] = [
  ['isAlive', 'GET', '/healthz', undefined, 200],
  ['isReady', 'GET', '/readyz', undefined, 200],
  ['scrapeMetrics', 'GET', '/metrics', undefined, 200],
  ['getOpenapi', 'GET', '/api/v1/openapi.json', undefined, 200],
  ['getAppliance', 'GET', '/api/v1/appliance', undefined, 200],
  ['listAlarms', 'GET', '/api/v1/alarms', undefined, 200],
  ['listMetrics', 'GET', '/api/v1/metrics', undefined, 200],
  ['listIsos', 'GET', '/api/v1/isos?fresh=true', undefined, 200],
  ['listIsos', 'GET', '/api/v1/isos?fresh=yes', undefined, 400],
  ['listLeases', 'GET', '/api/v1/leases', undefined, 200],
  ['releaseLease', 'POST', '/api/v1/leases/node1/release', undefined, 200],
  ['releaseLease', 'POST', '/api/v1/leases/10.77.0.99/release', undefined, 404],
  ['listWebhooks', 'GET', '/api/v1/webhooks', undefined, 200],
  ['retryWebhooks', 'POST', '/api/v1/webhooks/retry', undefined, 200],
  ['retryWebhook', 'POST', '/api/v1/webhooks/1/retry', undefined, 200],
  ['retryWebhook', 'POST', '/api/v1/webhooks/7/retry', undefined, 404],
  ['listMachines', 'GET', '/api/v1/machines?state=held&state=failed&search=NODE&limit=10', undefined, 200],
  ['listMachines', 'GET', '/api/v1/machines?after=nobody', undefined, 404],
  ['listMachines', 'GET', '/api/v1/machines?state=broken', undefined, 400],
  ['getMachine', 'GET', '/api/v1/machines/node1', undefined, 200],
  ['getMachine', 'GET', '/api/v1/machines/node7', undefined, 404],
  ['approveMachine', 'POST', '/api/v1/machines/node1/approve', { reason: 'new disks' }, 200],
  ['approveMachine', 'POST', '/api/v1/machines/node1/approve', { profile: 'pmg' }, 422],
  ['reinstallMachine', 'POST', '/api/v1/machines/node1/reinstall', undefined, 200],
  ['blockMachine', 'POST', '/api/v1/machines/node1/block', {}, 200],
  ['blockMachine', 'POST', '/api/v1/machines/node1/block', { why: 'fan' }, 400],
  ['orderMachines', 'POST', '/api/v1/orders', { action: 'approve', machines: ['node1', 'node7', 'node1'] }, 200],
  ['orderMachines', 'POST', '/api/v1/orders', { action: 'approve', machines: [] }, 400],
  ['getTimeline', 'GET', '/api/v1/machines/node1/timeline?after=1&limit=3', undefined, 200],
  ['getTimeline', 'GET', '/api/v1/machines/node1/timeline?after=x', undefined, 400],
  ['getSystemInformation', 'GET', '/api/v1/machines/node1/system-information', undefined, 200],
  ['getDevices', 'GET', '/api/v1/machines/node1/devices', undefined, 200],
  ['getDevices', 'GET', '/api/v1/machines/node7/devices', undefined, 404],
  ['showPassword', 'POST', '/api/v1/machines/node1/password', undefined, 404],
  ['explainMachine', 'GET', '/api/v1/machines/node1/explanation', undefined, 200],
  ['explainSystemInformation', 'POST', '/api/v1/explanation?machine=node1', {}, 200],
  ['explainSystemInformation', 'POST', '/api/v1/explanation', {}, 400],
  ['revealAnswer', 'POST', '/api/v1/machines/node1/reveal', undefined, 200],
  ['watchEvents', 'GET', '/api/v1/events?after=x', undefined, 400],
]

let appliance: FakeAppliance
let document: Document
const ajv = new Ajv2020({ strict: false, validateFormats: false })

beforeAll(async () => {
  appliance = await fakeAppliance()
  document = (await appliance.app.inject('/api/v1/openapi.json')).json<Document>()
  ajv.addSchema(document, 'api')
})
afterAll(() => closeConsoleApp(appliance.app))

function operations(): { path: string; method: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
}

/** References are those of the document. */
const compiled = (schema: object) =>
  ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/')) as object)

async function ask(method: 'GET' | 'POST', url: string, body: unknown) {
  const headers = { 'rackrise-user': 'anna', ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
  return appliance.app.inject({
    method,
    url,
    headers,
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  })
}

test.each(ASKED)('%s: %s %s %j is %i, as described', async (operationId, method, url, body, status) => {
  const { operation } = operations().find(one => one.operation.operationId === operationId)!
  const reply = await ask(method, url, body)
  expect([reply.statusCode, reply.body.slice(0, 300)]).toEqual([status, expect.any(String)])
  const type = String(reply.headers['content-type']).split(';')[0]!
  const described = operation.responses[status < 400 ? String(status) : `${Math.floor(status / 100)}XX`]
  const schema = described?.content?.[type]?.schema
  expect(schema, `${operationId} describes ${status} ${type}`).toBeDefined()
  const isRight = compiled(schema!)
  const value: unknown = type.endsWith('json') ? reply.json() : reply.body
  expect([isRight(value), isRight.errors]).toEqual([true, null])
  expect(reply.headers['cache-control']).toBe('no-store')
})

test('every operation of the machines, the library, leases and webhooks is asked', () => {
  const asked = new Set(ASKED.map(([operationId]) => operationId))
  // Rules, layers, check and doctor have a test of their own.
  const elsewhere = /\/api\/v1\/(rules|layers|check|doctor|session|console)/
  const missing = operations().filter(
    ({ path, operation }) => !elsewhere.test(path) && !asked.has(operation.operationId),
  )
  expect(missing.map(({ operation }) => operation.operationId)).toEqual([])
})

test('the description is one of OpenAPI 3.1: ids once, parameters as in the path, schemas that can be read', () => {
  expect(document.openapi).toBe('3.1.0')
  const ids = operations().map(({ operation }) => operation.operationId)
  expect(ids).toEqual([...new Set(ids)])
  for (const { path, operation } of operations()) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const told = (operation.parameters ?? []).filter(one => one.in === 'path').map(({ name }) => name)
    expect([path, told]).toEqual([path, inPath])
    for (const response of Object.values(operation.responses))
      for (const { schema } of Object.values(response.content ?? {})) expect(() => compiled(schema)).not.toThrow()
  }
})

test('one order to many: a result for each, and the name of the person on the timeline', async () => {
  const reply = await ask('POST', '/api/v1/orders', { action: 'block', machines: ['node1', 'node7'], reason: 'smoke' })
  expect(reply.json()).toMatchObject({
    results: [
      { machine: 'node1', ok: true, view: { state: 'blocked', reason: 'smoke' } },
      { machine: 'node7', ok: false, problem: { code: 'unknown-machine' } },
    ],
  })
  const timeline = (await ask('GET', '/api/v1/machines/node1/timeline', undefined)).json<object[]>()
  expect(timeline.at(-1)).toMatchObject({ who: 'anna', text: 'blocked by anna: smoke' })
})

test('the examples of the manual', async () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8')
  const lines = text.match(/^curl .*$/gm) ?? []
  expect(lines.length).toBeGreaterThan(4)
  for (const line of lines) {
    const body = /--json '([^']*)'/.exec(line)?.[1]
    const url = /http:\/\/localhost(\S*)/.exec(line)![1]!.replace(/'$/, '')
    const isPost = body !== undefined || line.includes('-X POST')
    if (url.startsWith('/api/v1/events')) continue
    const reply = await ask(isPost ? 'POST' : 'GET', url, body === undefined ? undefined : JSON.parse(body))
    expect([line, reply.statusCode]).toEqual([line, 200])
  }
})
