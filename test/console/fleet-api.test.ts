import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addFleetApi } from '../../services/console/fleet-api.ts'
import { localFleet } from '../../services/console/fleet.ts'
import { isListening, remoteFleet } from '../../services/console/remote-fleet.ts'
import { closeConsoleApp } from '../../services/console/app.ts'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import { Fleet, NODE1, siteOf } from '../machine/rig.ts'
import { socketApp } from './rig.ts'

let folder: string
let socketPath: string
let rig: Fleet
let stop: () => Promise<void>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-api-'))
  socketPath = join(folder, 'control.sock')
  rig = await Fleet.open(siteOf())
  const app = await socketApp(rig.log)
  addFleetApi(
    app,
    localFleet(
      rig.registry,
      async () => undefined,
      async () => {},
    ),
  )
  await app.listen({ path: socketPath })
  let stopped: Promise<void> | undefined
  stop = () => (stopped ??= closeConsoleApp(app))
})

afterEach(async () => {
  await stop()
  await rm(folder, { recursive: true })
})

function ask(method: string, path: string, body?: string): Promise<[number, unknown]> {
  return new Promise((resolve, reject) => {
    const headers = { 'rackrise-user': 'anna', ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
    const call = request({ socketPath, method, path, headers, agent: false }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => {
        resolve([response.statusCode ?? 0, JSON.parse(text) as unknown])
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

test('healthz', async () => {
  expect(await ask('GET', '/healthz')).toEqual([200, { status: 'ok' }])
})

describe('machines', () => {
  test('list, and one by any name that a person may type', async () => {
    const [, list] = await ask('GET', '/api/v1/machines')
    const [status, view] = await ask('GET', '/api/v1/machines/BC-24-11-AB-12-21')
    expect([list, status, view]).toEqual([[view], 200, expect.objectContaining({ name: 'node1', state: 'held' })])
  })

  test.each<[string, string, string | undefined, number, unknown]>([
    ['an order without a body', '/api/v1/machines/node1/approve', undefined, 200, { state: 'approved' }],
    [
      'an order with a reason',
      '/api/v1/machines/node1/block',
      '{"reason":"broken fan"}',
      200,
      { state: 'blocked', reason: 'broken fan' },
    ],
    ['an order that is not there', '/api/v1/machines/node1/destroy', undefined, 404, { code: 'not-found' }],
    ['for nobody', '/api/v1/machines/node7/approve', undefined, 404, { code: 'unknown-machine' }],
    [
      'for a profile that is not there',
      '/api/v1/machines/node1/approve',
      '{"profile":"pmg"}',
      422,
      { code: 'no-profile' },
    ],
    [
      'with a key that nobody knows',
      '/api/v1/machines/node1/approve',
      '{"profil":"pve"}',
      400,
      { code: 'bad-request' },
    ],
    ['with something else than JSON', '/api/v1/machines/node1/approve', 'profile=pve', 400, { code: 'bad-request' }],
    ['with octets that are no text', '/api/v1/machines/node1/approve', '\u0000\ufffd', 400, { code: 'bad-request' }],
  ])('%s', async (_, path, body, status, expected) => {
    const [got, answer] = await ask('POST', path, body)
    expect(got).toBe(status)
    expect(answer).toMatchObject(expected as object)
  })

  test('an order that is refused is 409', async () => {
    const { id } = rig.machine(NODE1)
    await ask('POST', '/api/v1/machines/node1/approve')
    const attempt = rig.machine(NODE1).attempt!.id
    await rig.registry.record(
      id,
      { type: 'answer-served', attempt, address: '10.77.0.11', layers: [], sha256: '', leftOut: [], withToken: true },
      'answer',
    )
    expect(await ask('POST', '/api/v1/machines/node1/approve')).toEqual([
      409,
      {
        type: 'about:blank',
        title: 'Conflict',
        status: 409,
        detail: 'an installation is under way; `machine reinstall` starts another one',
        code: 'not-approvable',
        hint: 'see `rackrise machine show` for its state',
        severity: 'error',
      },
    ])
  })

  test.each([
    ['', 2],
    ['?after=1', 1],
    ['?after=2', 0],
    ['?limit=1', 1],
    ['?after=1&limit=5', 1],
  ])('timeline%s', async (query, entries) => {
    await ask('POST', '/api/v1/machines/node1/approve')
    const [status, body] = await ask('GET', `/api/v1/machines/node1/timeline${query}`)
    expect([status, (body as unknown[]).length]).toEqual([200, entries])
  })

  test.each(['?after=x', '?after=1&after=2', '?after=1e99', '?after=-1', '?limit=0', '?limit=10001', '?from=1'])(
    'timeline%s is not understood',
    async query => {
      const [status, problem] = await ask('GET', `/api/v1/machines/node1/timeline${query}`)
      expect([status, problem]).toMatchObject([400, { code: 'bad-request' }])
      expect((problem as { errors: { path: string }[] }).errors[0]!.path).toMatch(/^querystring/)
    },
  )

  test('GET orders nothing', async () => {
    expect((await ask('GET', '/api/v1/machines/node1/approve'))[0]).toBe(405)
    expect(rig.machine(NODE1).state).toBe('held')
  })
})

describe('the fleet of a running appliance', () => {
  test('says what the local one says', async () => {
    const local = localFleet(
      rig.registry,
      async () => undefined,
      async () => {},
    )
    const remote = remoteFleet({ path: socketPath, user: 'anna' })
    expect(await remote.order('node1', 'approve', { reason: 'new disks' }, 'anna')).toEqual(await local.show('node1'))
    expect([await remote.list(), await remote.show('node1'), await remote.timeline('node1', 1)]).toEqual([
      await local.list(),
      await local.show('node1'),
      await local.timeline('node1', 1),
    ])
    await remote.close()
  })

  test('problems are values on this side, too', async () => {
    const remote = remoteFleet({ path: socketPath, user: 'anna' })
    const local = localFleet(
      rig.registry,
      async () => undefined,
      async () => {},
    )
    for (const query of ['node7', '../../healthz', 'a/b', '%00', '?x'])
      expect(await remote.show(query)).toEqual(await local.show(query))
    expect(await remote.order('node1', 'approve', { profile: 'pmg' }, 'anna')).toEqual(
      await local.order('node1', 'approve', { profile: 'pmg' }, 'anna'),
    )
  })

  test('an appliance that went away is one line with what to do', async () => {
    await stop()
    const failure = await remoteFleet({ path: socketPath, user: 'anna' })
      .list()
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(EnvironmentProblem)
    expect((failure as Error).message).toMatch(
      /^the appliance behind .*control\.sock went away: [^\n]*; start it again, then repeat the command$/,
    )
  })

  test('an appliance that failed to answer is one line with what to do', async () => {
    rig.store.broken = new Error('disk full')
    const failure = await remoteFleet({ path: socketPath, user: 'anna' })
      .order('node1', 'approve', {}, 'anna')
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(EnvironmentProblem)
    expect((failure as Error).message).toBe(
      'the appliance answered 500 to POST /api/v1/machines/node1/approve: this appliance failed to answer; see its log; repeat the command when that is mended',
    )
  })

  test('a socket file that was left over is not an appliance', async () => {
    expect(await isListening(socketPath)).toBe(true)
    await stop()
    expect(await isListening(socketPath)).toBe(false)
    expect(await isListening(join(folder, 'missing.sock'))).toBe(false)
  })

  test('neither is something else that listens there', async () => {
    const other = createServer(socket => socket.resume().end('hello\r\n'))
    const path = join(folder, 'other.sock')
    await new Promise<void>(resolve => other.listen(path, resolve))
    expect(await isListening(path)).toBe(false)
    await new Promise(resolve => other.close(resolve))
  })
})
