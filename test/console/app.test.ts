/** The application before any route of the house: who is let in, what is said to nonsense, and what a route has to state. */
import { connect } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { buildConsoleApp, closeConsoleApp, type ConsoleApp, requireDescription } from '../../services/console/app.ts'
import { type Principal, socketPrincipal } from '../../services/console/principal.ts'
import { problemSchema } from '../../services/console/schema/problem.ts'
import { HeardLog } from '../machine/rig.ts'

let app: ConsoleApp
let log: HeardLog
let who: Principal | undefined
const ran: string[] = []

const described = (operationId: string) => ({
  operationId,
  summary: 'a test',
  response: { 200: z.strictObject({ done: z.string() }), '4xx': problemSchema },
})

beforeEach(async () => {
  log = new HeardLog()
  who = { name: 'anna', role: 'operator', via: 'session' }
  ran.length = 0
  app = await buildConsoleApp({ log, version: '1.2.3', identify: () => who })
  app.get('/api/v1/things', { config: { role: 'viewer' }, schema: described('listThings') }, async () => {
    ran.push('list')
    return { done: 'list' }
  })
  app.post(
    '/api/v1/things/:number',
    {
      config: { role: 'operator' },
      schema: {
        ...described('makeThing'),
        params: z.object({ number: z.coerce.number().int().max(9) }),
        querystring: z.strictObject({ fast: z.enum(['true', 'false']).exactOptional() }),
        body: z.strictObject({ reason: z.string().max(5), size: z.number() }),
      },
    },
    async request => {
      ran.push('make')
      if (request.params.number === 3)
        return { code: 'unknown-machine', message: 'no machine "3"', hint: 'see the list', severity: 'error' as const }
      if (request.params.number === 4) throw new Error('the secret is 4711')
      return { done: request.principal!.name }
    },
  )
  app.get('/page', { config: { role: 'none' }, schema: { hide: true } }, async () => 'hello')
})

afterEach(async () => closeConsoleApp(app))

const PROBLEM = 'application/problem+json'
const make = (
  url: string,
  payload: unknown,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) => app.inject({ method: 'POST', url, headers, payload: payload as string })

describe('who is let in', () => {
  test.each<[string, Principal | undefined, string, number, string]>([
    ['nobody looks', undefined, 'GET', 401, 'not-signed-in'],
    ['a viewer looks', { name: 'vera', role: 'viewer', via: 'token' }, 'GET', 200, ''],
    ['a viewer changes', { name: 'vera', role: 'viewer', via: 'token' }, 'POST', 403, 'not-allowed'],
    ['an operator looks', { name: 'anna', role: 'operator', via: 'socket' }, 'GET', 200, ''],
    ['an operator changes', { name: 'anna', role: 'operator', via: 'socket' }, 'POST', 200, ''],
  ])('%s', async (_, principal, method, status, code) => {
    who = principal
    const reply = await (method === 'GET'
      ? app.inject('/api/v1/things')
      : make('/api/v1/things/1', { reason: 'why', size: 1 }))
    expect([reply.statusCode, reply.json<{ code?: string }>().code ?? '']).toEqual([status, code])
    expect(ran).toHaveLength(status === 200 ? 1 : 0)
    expect(reply.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined)
    expect(reply.headers['cache-control']).toBe('no-store')
  })

  test('nobody is told what is wrong with a body that he may not send', async () => {
    who = undefined
    expect((await make('/api/v1/things/1', '{')).json()).toMatchObject({ code: 'not-signed-in' })
  })

  test('a page is for anybody', async () => {
    who = undefined
    expect((await app.inject('/page')).body).toBe('hello')
  })
})

describe('what is said', () => {
  test('a problem of a handler is problem details', async () => {
    const reply = await make('/api/v1/things/3', { reason: 'why', size: 1 })
    expect([reply.statusCode, reply.headers['content-type'], reply.json()]).toEqual([
      404,
      PROBLEM,
      {
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        detail: 'no machine "3"',
        code: 'unknown-machine',
        hint: 'see the list',
        severity: 'error',
      },
    ])
  })

  test('what failed tells nothing of the inside, and is in the log', async () => {
    const reply = await make('/api/v1/things/4', { reason: 'why', size: 1 })
    expect([reply.statusCode, reply.headers['content-type'], reply.json<{ code: string }>().code]).toEqual([
      500,
      PROBLEM,
      'failed',
    ])
    expect(reply.body).not.toContain('4711')
    expect(log.lines).toEqual(['error a request to the API failed'])
  })

  test.each<[string, string, unknown, Record<string, string> | undefined, number, object]>([
    [
      'every part that is not valid',
      '/api/v1/things/1',
      { reason: 'because', size: 'x', more: 1 },
      undefined,
      400,
      {
        code: 'bad-request',
        errors: [
          { path: 'body/reason', message: 'Too big: expected string to have <=5 characters' },
          { path: 'body/size', message: 'Invalid input: expected number, received string' },
          { path: 'body', message: 'Unrecognized key: "more"' },
        ],
      },
    ],
    [
      'a query that nobody knows',
      '/api/v1/things/1?quick=1',
      { reason: 'why', size: 1 },
      undefined,
      400,
      { code: 'bad-request', errors: [{ path: 'querystring', message: 'Unrecognized key: "quick"' }] },
    ],
    ['no JSON', '/api/v1/things/1', '{"reason":', undefined, 400, { code: 'bad-request' }],
    ['a prototype', '/api/v1/things/1', '{"__proto__":{"a":1}}', undefined, 400, { code: 'bad-request' }],
    ['no body', '/api/v1/things/1', '', undefined, 400, { code: 'bad-request' }],
    [
      'a form',
      '/api/v1/things/1',
      'reason=why',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      { code: 'wrong-media-type' },
    ],
    ['too much', '/api/v1/things/1', `"${'x'.repeat(70_000)}"`, undefined, 413, { code: 'too-large' }],
    ['a path that is not there', '/api/v1/nothing', {}, undefined, 404, { code: 'not-found' }],
    ['a path that can not be decoded', '/api/v1/%zz', {}, undefined, 400, { code: 'bad-request' }],
    ['another method', '/api/v1/things', {}, undefined, 405, { code: 'wrong-method', hint: 'use one of GET, HEAD' }],
  ])('to %s', async (_, url, payload, headers, status, expected) => {
    const reply = await make(url, payload, headers)
    expect([reply.statusCode, reply.headers['content-type']]).toEqual([status, PROBLEM])
    expect(reply.json()).toMatchObject(expected)
    expect(ran).toEqual([])
  })

  test('what is no HTTP', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rackrise-app-'))
    const path = join(folder, 'app.sock')
    await app.listen({ path })
    const heard = await new Promise<string>(resolve => {
      let text = ''
      const socket = connect(path, () => socket.write('hello\r\n\r\n'))
      socket.setEncoding('utf8').on('data', (part: string) => (text += part))
      socket.on('close', () => resolve(text))
    })
    expect(heard).toMatch(/^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json\r\n/)
    expect(JSON.parse(heard.split('\r\n\r\n')[1]!)).toMatchObject({ status: 400, code: 'bad-request' })
    await rm(folder, { recursive: true })
  })
})

describe('what a route states', () => {
  const full = { operationId: 'a', summary: 'b', response: { 200: z.string() } }
  test.each<[string, Parameters<typeof requireDescription>[0], string | undefined]>([
    ['everything', { url: '/api/v1/a', method: 'GET', config: { role: 'viewer' }, schema: full }, undefined],
    ['no role', { url: '/api/v1/a', method: 'GET', schema: full }, 'GET /api/v1/a does not state config.role'],
    [
      'no schema',
      { url: '/api/v1/a', method: ['PUT', 'POST'], config: { role: 'none' } },
      'PUT,POST /api/v1/a does not state operationId, summary, response',
    ],
    ['a page', { url: '/', method: 'GET', config: { role: 'none' }, schema: { hide: true } }, undefined],
    [
      'an API that hides',
      { url: '/api/v1/a', method: 'GET', config: { role: 'none' }, schema: { hide: true } },
      'GET /api/v1/a does not state operationId, summary, response',
    ],
  ])('%s', (_, route, problem) => {
    if (problem === undefined) expect(() => requireDescription(route)).not.toThrow()
    else expect(() => requireDescription(route)).toThrow(problem)
  })

  test('the description has every route but pages', async () => {
    const document = (await app.inject('/api/v1/openapi.json')).json<{ openapi: string; paths: object }>()
    expect([document.openapi, Object.keys(document.paths)]).toEqual([
      '3.1.0',
      ['/api/v1/openapi.json', '/api/v1/things', '/api/v1/things/{number}'],
    ])
  })
})

describe('who comes through the socket', () => {
  test.each([
    [{}, 'an operator'],
    [{ 'rackrise-user': 'anna' }, 'anna'],
    [{ 'rackrise-user': 'anna%20(sudo)' }, 'anna (sudo)'],
    [{ 'rackrise-user': '%zz' }, '%zz'],
    [{ 'rackrise-user': `${'a'.repeat(100)}` }, 'a'.repeat(64)],
    [{ 'rackrise-user': '%0Aroot%00' }, 'root'],
  ])('%j', (headers, name) => {
    expect(socketPrincipal({ headers })).toEqual({ name, role: 'operator', via: 'socket' })
  })
})
