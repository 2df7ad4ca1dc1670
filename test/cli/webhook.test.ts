import { once } from 'node:events'
import { appendFile, mkdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { webhookText } from '../../services/cli/webhook.ts'
import { addWebhookApi } from '../../services/console/webhook-api.ts'
import { closeConsoleApp } from '../../services/console/app.ts'
import { socketApp } from '../console/rig.ts'
import type { TargetView } from '../../services/webhook/outbox.ts'
import { Fleet } from '../machine/rig.ts'
import { goodSite, rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const NOW = Date.UTC(2026, 0, 1, 12)

test('two lines a target at most: what waits, and why', () => {
  const base = { number: 1, url: 'https://a.example.org/…', events: ['installed', 'failed'], givenUp: 0, tries: 0 }
  const oldestAt = new Date(NOW - 180_000).toISOString()
  expect(
    webhookText(
      [
        { ...base, pending: 0 },
        { ...base, number: 2, pending: 3, givenUp: 1, oldestAt, tries: 4, error: 'it answered 503' },
      ],
      NOW,
    ),
  ).toBe(
    [
      '1 https://a.example.org/… (installed, failed): nothing waits',
      '2 https://a.example.org/… (installed, failed): 3 wait, the oldest from 3 min ago; 1 given up',
      '  last error, after 4 tries: it answered 503',
    ].join('\n'),
  )
})

test('on a terminal what goes on is indented more than what comes next', () => {
  const target = {
    number: 1,
    url: 'https://automation.example.org/hooks/…',
    events: ['installed', 'failed'],
    givenUp: 1,
  }
  const oldestAt = new Date(NOW - 180_000).toISOString()
  const error = 'connect ECONNREFUSED 192.0.2.80:443, as it was before that'
  expect(webhookText([{ ...target, pending: 3, oldestAt, tries: 4, error }], NOW, 80).split('\n')).toEqual([
    '1 https://automation.example.org/hooks/… (installed, failed): 3 wait, the',
    '    oldest from 3 min ago; 1 given up',
    '  last error, after 4 tries: connect ECONNREFUSED 192.0.2.80:443, as it was',
    '    before that',
  ])
})

describe('the command', () => {
  let site: { folder: string; file: string }
  let receiver: Server
  const got: { event: string; body: Record<string, unknown> }[] = []
  beforeAll(async () => {
    site = await goodSite()
    receiver = createServer((request, response) => {
      void buffer(request).then(body => {
        got.push({ event: String(request.headers['rackrise-event']), body: JSON.parse(body.toString()) })
        response.end()
      })
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const { port } = receiver.address() as AddressInfo
    await appendFile(
      site.file,
      `\n[[webhook]]\nurl = "http://127.0.0.1:${port}/hook"\n[[webhook]]\nurl = "http://127.0.0.1:9/k3y"\n`,
    )
  })
  afterAll(async () => {
    receiver.close()
    await rm(site.folder, { recursive: true })
  })
  const run = (...args: string[]) => rackrise(site.folder, 'webhook', ...args, '--config', site.file)

  test('a sample for one target, without an appliance', async () => {
    const { port } = receiver.address() as AddressInfo
    expect(await run('test', '1')).toEqual({
      status: 0,
      out: `1 http://127.0.0.1:${port}/…: took a sample (200)\n`,
      err: '',
    })
    expect(got.at(-1)).toMatchObject({ event: 'test', body: { event: 'test', machine: { name: 'node1' } } })
  })

  test('for all of them: one that takes nothing is an exit status', async () => {
    const { status, out } = await run('test')
    expect([status, out.split('\n')[1]]).toEqual([
      1,
      '2 http://127.0.0.1:9/…: did not take it: connect ECONNREFUSED 127.0.0.1:9',
    ])
    expect((await run('test', '3')).out).toBe('the site file has no webhook 3\n')
  })

  test.each([
    [[], 'say which of list, retry, test'],
    [['send'], 'there is no "webhook send", but list, retry, test'],
    [['list', '1'], '"1" is too much'],
    [['retry', 'node1'], '"node1" is no number; webhooks are counted from 1, as in the site file'],
  ])('%j is a mistake', async (args, what) => {
    expect(await run(...args)).toEqual({
      status: 2,
      out: '',
      err: `rackrise webhook: ${what}; see \`rackrise webhook --help\`\n`,
    })
  })

  test('what waits, and sending it, by the appliance that runs', async () => {
    expect((await run('list')).err).toContain('messages are sent by the appliance that runs')
    const { log } = await Fleet.open()
    const asked: (number | undefined)[] = []
    const view: TargetView = {
      ...{ number: 1, url: 'https://a.example.org/…', events: ['failed'], givenUp: 0, tries: 0 },
      ...{ pending: 2, oldestAt: Date.now() - 60_000 },
    }
    const app = await socketApp(log)
    addWebhookApi(app, {
      views: async () => [view],
      retry: async number => {
        asked.push(number)
        return number !== 2
      },
    })
    await mkdir(join(site.folder, 'state'), { recursive: true })
    await app.listen({ path: join(site.folder, 'state', 'control.sock') })
    try {
      expect((await run('list')).out).toMatch(/^1 https:\/\/a\.example\.org\/… \(failed\): 2 wait, the oldest from /)
      expect(JSON.parse((await run('retry', '--json')).out)).toMatchObject([{ number: 1, pending: 2 }])
      expect((await run('retry', '1')).status).toBe(0)
      expect(await run('retry', '2')).toMatchObject({
        status: 1,
        err: 'error: the site file has no webhook with this number; see `rackrise webhook list`; they are counted from 1\n',
      })
      expect(asked).toEqual([undefined, 1, 2])
    } finally {
      await closeConsoleApp(app)
    }
  })
})
