/** What the API promises of signing in, asked by HTTP at the console's own port, and of its links, asked at the control socket. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeConsoleApp } from '../../services/console/app.ts'
import { addLinkApi } from '../../services/console/link-api.ts'
import { silentLog } from '../../services/kit/log.ts'
import { type ApiDocument, Contract } from './contract.ts'
import { Listener, PASSWORD, type Reply, TOKENS } from './listener-rig.ts'
import { socketApp } from './rig.ts'

let listener: Listener
let contract: Contract

beforeAll(async () => {
  listener = await Listener.open({})
  const headers = { authorization: `Bearer ${TOKENS.ci}` }
  contract = new Contract((await listener.ask('GET', '/api/v1/openapi.json', { headers })).json as ApiDocument)
})
afterAll(() => listener.close())

const asDescribed = (operationId: string, { status, headers, text, json }: Reply): unknown[] => {
  const type = String(headers['content-type'] ?? '')
  return contract.faultsOf(operationId, { status, type, value: /json/.test(type) ? json : text })
}

test('signing in, asking who one is, and signing out are as described', async () => {
  const right = await listener.ask('POST', '/api/v1/session', { body: { name: 'anna', password: PASSWORD } })
  const { cookie, csrf } = await listener.signIn({ name: 'ben', password: PASSWORD })
  const known = await listener.ask('GET', '/api/v1/session', { headers: { cookie } })
  const out = await listener.ask('DELETE', '/api/v1/session', { headers: { cookie, 'x-csrf-token': csrf } })
  expect([right.status, known.status, out.status]).toEqual([200, 200, 204])
  const faults = [asDescribed('signIn', right), asDescribed('getSession', known), asDescribed('signOut', out)]
  expect(faults).toEqual([[], [], []])
})

test.each([
  ['a wrong password', 'signIn', 'POST', { name: 'anna', password: 'no' }, 401],
  ['a link that never was', 'signIn', 'POST', { link: 'x'.repeat(43) }, 401],
  ['neither', 'signIn', 'POST', { user: 'anna' }, 400],
  ['nobody', 'getSession', 'GET', undefined, 401],
  ['nobody who leaves', 'signOut', 'DELETE', undefined, 401],
] as const)('%s: %s is refused as described', async (_, operationId, method, body, status) => {
  const reply = await listener.ask(method, '/api/v1/session', body === undefined ? {} : { body })
  expect([reply.status, asDescribed(operationId, reply)]).toEqual([status, []])
})

test('a link is as described, and asked for in a role that is none it is refused', async () => {
  const app = await socketApp(silentLog)
  const url = 'http://127.0.0.1:8300/#link=secret'
  addLinkApi(app, { makeLink: role => ({ url, role, expiresAt: '2026-11-26T12:15:00.000Z' }) })
  const link = new Contract((await app.inject('/api/v1/openapi.json')).json<ApiDocument>())
  const replies = await Promise.all(
    ['viewer', 'owner'].map(role => app.inject({ method: 'POST', url: '/api/v1/session/link', payload: { role } })),
  )
  const told = replies.map(({ statusCode: status, headers, json }) => {
    const type = String(headers['content-type'])
    return [status, link.faultsOf('makeLink', { status, type, value: json() })]
  })
  expect(told).toEqual([
    [200, []],
    [400, []],
  ])
  await closeConsoleApp(app)
})
