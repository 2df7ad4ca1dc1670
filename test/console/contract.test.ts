/** What the API promises: every operation that it describes is asked, well and badly, and what it answers is compared with its own description. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { closeConsoleApp } from '../../services/console/app.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { NODE1 } from '../machine/rig.ts'
import { type ApiDocument, Contract } from './contract.ts'
import { type FakeAppliance, fakeAppliance } from './rig.ts'

// The validator compiles the whole schema of OpenAPI, on a machine that does other things too.
vi.setConfig({ testTimeout: 30_000 })

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
  ['verifyIso', 'POST', '/api/v1/isos/pve.iso/verify', undefined, 202],
  ['verifyIso', 'POST', '/api/v1/isos/pbs.iso/verify', undefined, 404],
  ['listWork', 'GET', '/api/v1/work', undefined, 200],
  ['cancelWork', 'POST', '/api/v1/work/verify%3Apve.iso/cancel', undefined, 202],
  ['cancelWork', 'POST', '/api/v1/work/doctor/cancel', undefined, 409],
  [
    'listLeases',
    'GET',
    '/api/v1/leases?state=bound&state=expired&search=10.77&limit=10&after=10.77.0.1',
    undefined,
    200,
  ],
  ['listLeases', 'GET', '/api/v1/leases?after=nobody', undefined, 400],
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
  ['reinstallMachine', 'POST', '/api/v1/machines/node7/reinstall', undefined, 404],
  ['blockMachine', 'POST', '/api/v1/machines/node1/block', {}, 200],
  ['blockMachine', 'POST', '/api/v1/machines/node1/block', { why: 'fan' }, 400],
  ['orderMachines', 'POST', '/api/v1/orders', { action: 'approve', machines: ['node1', 'node7', 'node1'] }, 200],
  ['orderMachines', 'POST', '/api/v1/orders', { action: 'approve', machines: [] }, 400],
  ['getTimeline', 'GET', '/api/v1/machines/node1/timeline?after=1&limit=3', undefined, 200],
  ['getTimeline', 'GET', '/api/v1/machines/node1/timeline?after=x', undefined, 400],
  ['getSystemInformation', 'GET', '/api/v1/machines/node1/system-information', undefined, 200],
  ['getSystemInformation', 'GET', '/api/v1/machines/node7/system-information', undefined, 404],
  ['getDevices', 'GET', '/api/v1/machines/node1/devices', undefined, 200],
  ['getDevices', 'GET', '/api/v1/machines/node7/devices', undefined, 404],
  ['showPassword', 'POST', '/api/v1/machines/node1/password', undefined, 404],
  ['explainMachine', 'GET', '/api/v1/machines/node1/explanation', undefined, 200],
  ['explainMachine', 'GET', '/api/v1/machines/not-a-machine/explanation', undefined, 404],
  ['explainSystemInformation', 'POST', '/api/v1/explanation?machine=node1', {}, 200],
  ['explainSystemInformation', 'POST', '/api/v1/explanation', {}, 400],
  ['revealAnswer', 'POST', '/api/v1/machines/node1/reveal', undefined, 200],
  ['revealAnswer', 'POST', '/api/v1/machines/node7/reveal', undefined, 404],
  ['getRules', 'GET', '/api/v1/rules', undefined, 200],
  ['getLayers', 'GET', '/api/v1/layers', undefined, 200],
  ['getCheck', 'GET', '/api/v1/check?fresh=true', undefined, 200],
  ['getCheck', 'GET', '/api/v1/check?fresh=perhaps', undefined, 400],
  ['getDoctor', 'GET', '/api/v1/doctor', undefined, 200],
  ['runDoctor', 'POST', '/api/v1/doctor', undefined, 200],
  ['reloadSite', 'POST', '/api/v1/reload', { check: true }, 200],
  ['reloadSite', 'POST', '/api/v1/reload', undefined, 422],
  ['reloadSite', 'POST', '/api/v1/reload', { sha256: 'x' }, 400],
  ['forgetMachine', 'POST', '/api/v1/machines/node7/forget', {}, 404],
  ['forgetMachine', 'POST', '/api/v1/machines/node1/forget', { force: 'yes' }, 400],
  ['forgetMachine', 'POST', '/api/v1/machines/node1/forget', { force: true }, 200],
  ['watchEvents', 'GET', '/api/v1/events?after=x', undefined, 400],
]

let appliance: FakeAppliance
let contract: Contract

beforeAll(async () => {
  appliance = await fakeAppliance()
  contract = new Contract((await appliance.app.inject('/api/v1/openapi.json')).json<ApiDocument>())
})
afterAll(() => closeConsoleApp(appliance.app))

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
  const reply = await ask(method, url, body)
  expect([reply.statusCode, reply.body.slice(0, 300)]).toEqual([status, expect.any(String)])
  const type = String(reply.headers['content-type'])
  const value: unknown = /json\b/.test(type) ? reply.json() : reply.body
  expect(contract.faultsOf(operationId, { status, type, value })).toEqual([])
  expect(reply.headers['cache-control']).toBe('no-store')
})

test('a random root password is shown as described, once', async () => {
  const { rig, app } = await fakeAppliance({ password: '7Q4K-M2XD' })
  const { registry } = rig
  const { id } = registry.byMac(NODE1)!
  const attempt = await registry.startAttempt(registry.byMac(NODE1)!, { by: 'operator', again: false })
  if (isProblem(attempt)) throw new Error(attempt.message)
  const address = '10.77.0.11'
  await registry.record(id, { type: 'script-served', attempt, address: address as Ipv4, resumed: false }, 'http')
  const answered = { attempt, address, layers: ['base'], sha256: 'ab', leftOut: [], withToken: true }
  await registry.record(id, { type: 'answer-served', ...answered, randomPassword: true }, 'answer')
  const show = async () => app.inject({ method: 'POST', url: '/api/v1/machines/node1/password' })
  const [first, second] = [await show(), await show()]
  expect(first.json()).toMatchObject({ name: 'node1', password: '7Q4K-M2XD' })
  const faults = [first, second].map(reply => {
    const type = String(reply.headers['content-type'])
    return contract.faultsOf('showPassword', { status: reply.statusCode, type, value: reply.json() })
  })
  expect([first.statusCode, second.statusCode, faults]).toEqual([200, 410, [[], []]])
  await closeConsoleApp(app)
})

/** A stream is asked well in a test of its own, a password in the one above. */
const ASKED_WELL_ELSEWHERE = new Set(['watchEvents', 'showPassword'])

test('every operation is asked, those that can be asked wrongly in both ways', () => {
  const statuses = (id: string): number[] => ASKED.filter(([asked]) => asked === id).map(([, , , , status]) => status)
  const lacking = contract.operations().flatMap(({ operation: { operationId, parameters = [], requestBody } }) => {
    const asked = statuses(operationId)
    const isWell = ASKED_WELL_ELSEWHERE.has(operationId) || asked.some(status => status < 300)
    const canBeWrong = parameters.length > 0 || requestBody !== undefined
    const isBadly = !canBeWrong || asked.some(status => status >= 400)
    return [...(isWell ? [] : [`${operationId} well`]), ...(isBadly ? [] : [`${operationId} badly`])]
  })
  expect(lacking).toEqual([])
})

test('the description is one of OpenAPI 3.1, by its own schema: ids once, parameters as in the path, schemas that can be read', async () => {
  const { document } = contract
  expect(document.openapi).toBe('3.1.0')
  expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true })
  const ids = contract.operations().map(({ operation }) => operation.operationId)
  expect(ids).toEqual([...new Set(ids)])
  for (const { path, operation } of contract.operations()) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const told = (operation.parameters ?? []).filter(one => one.in === 'path').map(({ name }) => name)
    expect([path, told]).toEqual([path, inPath])
    for (const response of Object.values(operation.responses))
      for (const { schema } of Object.values(response.content ?? {}))
        expect(() => contract.compiled(schema)).not.toThrow()
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
