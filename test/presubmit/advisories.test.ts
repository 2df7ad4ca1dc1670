/** The look for advisories can fail: asked of registries that answer, refuse and say nothing. */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { weaknessesIn } from '../advisories.ts'
import { ROOT } from './source.ts'

vi.setConfig({ testTimeout: 60_000 })

let folder: string
let server: Server
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-advisories-'))
  await cp(join(ROOT, 'package.json'), join(folder, 'package.json'))
  await cp(join(ROOT, 'package-lock.json'), join(folder, 'package-lock.json'))
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})
afterAll(() => rm(folder, { recursive: true }))

/** What the look finds, asked of that registry. */
async function askOf(listener: RequestListener, limitMs = 30_000): Promise<unknown> {
  server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const look = `import { askRegistry } from '${join(ROOT, 'test/advisories.ts')}'; console.log(JSON.stringify(askRegistry('${folder}', ${limitMs})))`
  const env = { ...process.env, npm_config_registry: url, npm_config_cache: join(folder, 'cache') }
  const child = spawn(process.execPath, ['--input-type=module', '--eval', look], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  await new Promise(resolve => child.once('close', resolve))
  return JSON.parse(text)
}

const ADVISORY = {
  id: 1,
  url: 'https://github.com/advisories/GHSA-test',
  title: 'it can be made to loop',
  severity: 'high',
  vulnerable_versions: '*',
  cwe: [],
  cvss: { score: 7.5, vectorString: null },
}

test('a package with a weakness is named', async () => {
  const found = await askOf((request, response) => {
    const isQuestion = request.method === 'POST' && request.url?.endsWith('/advisories/bulk')
    response.writeHead(isQuestion ? 200 : 404, { 'content-type': 'application/json' })
    response.end(isQuestion ? JSON.stringify({ zod: [ADVISORY] }) : '{}')
  })
  expect(found).toEqual({ weaknesses: ['zod: high: it can be made to loop https://github.com/advisories/GHSA-test'] })
})

test('none is none', async () => {
  const found = await askOf((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  expect(found).toEqual({ weaknesses: [] })
})

test('a registry that does not know the question is said', async () => {
  expect(await askOf((_, response) => response.writeHead(405).end())).toEqual({
    silent: expect.stringContaining('405'),
  })
})

test('one that says nothing is waited for so long and no longer', async () => {
  expect(await askOf(() => {}, 3000)).toEqual({ silent: 'it did not answer in time' })
})

test.each(['', 'npm error', '{}', '{"error":{}}'])('%j is no answer', text => {
  server = createServer()
  expect(weaknessesIn(text)).toBeUndefined()
})
