/** `/api/v1/events` over a real socket. */
import { mkdtemp, rm } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { closeConsoleApp } from '../../services/console/app.ts'
import { READERS_MOST } from '../../services/console/event-feed.ts'
import { NODE1 } from '../machine/rig.ts'
import { type FakeAppliance, fakeAppliance } from './rig.ts'

let folder: string
let path: string
let appliance: FakeAppliance
let stopped: Promise<void> | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-events-'))
  path = join(folder, 'control.sock')
  appliance = await fakeAppliance()
  await appliance.app.listen({ path })
  stopped = undefined
})

const stop = (): Promise<void> => (stopped ??= closeConsoleApp(appliance.app))

afterEach(async () => {
  await stop()
  expect(appliance.rig.clock.pendingTimers).toBe(0)
  await rm(folder, { recursive: true })
})

function open(query = '', headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: path, path: `/api/v1/events${query}`, headers, agent: false }, resolve)
    call.on('error', reject)
    call.end()
  })
}

/** Resolves with what came once that is in it. */
function until(response: IncomingMessage, what: string): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (text.includes(what)) resolve(text)
    })
  })
}

const block = () =>
  appliance.rig.registry.record(appliance.rig.machine(NODE1).id, { type: 'blocked', who: 'anna' }, 'operator')

test('a stream: where it is, and what happens', async () => {
  const response = await open()
  expect([response.statusCode, response.headers['content-type'], response.headers['cache-control']]).toEqual([
    200,
    'text/event-stream',
    'no-store',
  ])
  const told = until(response, 'blocked by anna')
  await block()
  expect(await told).toMatch(
    /^event: hello\nid: 1\ndata: \{"seq":1,"version":"1\.2\.3","site":\{.*\}\}\n\nevent: machine\nid: 2\ndata: /,
  )
  response.destroy()
  await stop()
})

test.each([
  ['by header', '', { 'last-event-id': '1' }],
  ['by query', '?after=1', {}],
])('goes on where it was left: %s', async (_, query, headers) => {
  await block()
  const response = await open(query, headers as Record<string, string>)
  expect(await until(response, 'machine')).toMatch(/^event: hello\nid: 1\n/)
  response.destroy()
  await stop()
})

test('ends when the appliance stops', async () => {
  const response = await open()
  const ended = new Promise(resolve => response.on('close', resolve))
  response.on('error', () => {}).resume()
  await stop()
  await ended
})

test('a number that is none', async () => {
  expect((await open('?after=x')).statusCode).toBe(400)
})

test('no more streams than there may be, and room again when one ends', async () => {
  const streams: IncomingMessage[] = []
  for (let more = 0; more < READERS_MOST; more += 1) streams.push(await open())
  const refused = await open()
  expect([refused.statusCode, JSON.parse(await until(refused, '}'))]).toMatchObject([429, { code: 'too-many-streams' }])
  streams[0]!.on('error', () => {}).destroy()
  while ((await open()).statusCode !== 200) await new Promise(resolve => setImmediate(resolve))
  await stop()
})
