import { createHash, X509Certificate } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { generate } from 'selfsigned'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { newFolder, runShell } from './stand-in-shell.ts'

const folder = newFolder()
const BODY = '{"$schema":{"version":"1.0"}}'
let key = ''
let cert = ''
let pin = ''

beforeAll(async () => {
  const pair = await generate([{ name: 'commonName', value: 'rackrise' }], { keySize: 2048 })
  key = pair.private
  cert = pair.cert
  pin = createHash('sha256').update(new X509Certificate(cert).raw).digest('hex')
  writeFileSync(join(folder, 'body.json'), BODY)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

type Seen = { request: string; headers: IncomingMessage['headers']; body: string }

async function post(
  listener: RequestListener,
  how: { tls?: boolean; pin?: string; token?: string },
): Promise<{ out: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const handle: RequestListener = (request, response) => {
    let body = ''
    request.on('data', (bytes: Buffer) => (body += bytes.toString()))
    request.on('end', () => {
      seen.push({ request: `${request.method} ${request.url} ${request.httpVersion}`, headers: request.headers, body })
      listener(request, response)
    })
  }
  server = how.tls === false ? createHttpServer(handle) : createTlsServer({ key, cert }, handle)
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  const url = `${how.tls === false ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}/answer/7f3a`
  const lines = `post_json '${url}' '${how.pin ?? pin}' $work/body.json 'application/json, application/toml;q=0.5' '${how.token ?? ''}'
    echo "got $content_type $(cat $work/response.body)"`
  return { out: (await runShell(folder, ['post'], lines)).trim(), seen }
}

const toml: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/toml', 'content-length': 7 }).end('a = "b"')
}

test('the request is that of an installer of 9.2, over TLS, pinned, with its token', async () => {
  const { out, seen } = await post(toml, { token: 'name:secret' })
  expect(out).toBe('got application/toml a = "b"')
  expect(seen).toEqual([
    {
      request: 'POST /answer/7f3a 1.1',
      headers: {
        'accept-encoding': 'gzip',
        'content-length': String(BODY.length),
        'user-agent': 'ureq/3.0.11',
        host: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        'content-type': 'application/json; charset=utf-8',
        accept: 'application/json, application/toml;q=0.5',
        authorization: 'Bearer name:secret',
      },
      body: BODY,
    },
  ])
})

test('a fingerprint may have colons and capitals', async () => {
  const written = pin.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:')
  expect((await post(toml, { pin: written })).out).toBe('got application/toml a = "b"')
})

test('with another certificate nothing is sent', async () => {
  const { out, seen } = await post(toml, { pin: '00'.repeat(32) })
  expect(out).toBe(`FAILED: Fingerprint did not match! The server has ${pin}`)
  expect(seen).toEqual([])
})

test.each([
  ['a prefix, over TLS', { pin: 'sha256:00' }, "FAILED: the fingerprint 'sha256:00' is not hexadecimal"],
  [
    'a prefix, although plain HTTP needs none',
    { pin: 'sha256:00', tls: false },
    "FAILED: the fingerprint 'sha256:00' is not hexadecimal",
  ],
  [
    'none, over TLS',
    { pin: '' },
    'FAILED: https without a fingerprint: no authority of the ISO signed this certificate',
  ],
])('a fingerprint is refused before a connection is made: %s', async (_, how, expected) => {
  const { out, seen } = await post(toml, how)
  expect(out).toBe(expected)
  expect(seen).toEqual([])
})

const sends =
  (status: number, headers: Record<string, string>, body: string | Buffer): RequestListener =>
  (_, response) => {
    response.writeHead(status, headers).end(body)
  }

test.each([
  ['201', sends(201, { 'content-type': 'text/plain' }, 'x'), 'got text/plain x'],
  ['plain HTTP', toml, 'got application/toml a = "b"'],
  [
    'an unknown machine is told so on its console',
    sends(404, {}, 'no profile matches'),
    'FAILED: http error: 404 Not Found: no profile matches',
  ],
  ['202 is no answer', sends(202, {}, 'wait'), 'FAILED: http error: 202 Accepted: wait'],
  ['204 is no answer', sends(204, {}, ''), 'FAILED: http error: 204 No Content:'],
  ['a redirect is not followed', sends(302, { location: '/' }, ''), 'FAILED: http error: 302 Found:'],
  ['gzip, which is offered', sends(200, { 'content-encoding': 'gzip' }, gzipSync('zipped')), 'got  zipped'],
  [
    'brotli, which is not',
    sends(200, { 'content-encoding': 'br' }, 'x'),
    'FAILED: content encoding br was not offered',
  ],
  [
    'a body in chunks',
    ((_, response) => void (response.write('one '), response.end('two'))) as RequestListener,
    'got  one two',
  ],
])('a response: %s', async (name, listener, expected) => {
  expect((await post(listener, name === 'plain HTTP' ? { tls: false } : {})).out).toBe(expected)
})

test.each([
  ['ftp://a/b', 'not an http or https URL: ftp://a/b'],
  ['https://a b/', 'a blank or a strange character in the URL https://a b/'],
  ['https://[::1]/', 'no plain host in the URL https://[::1]/'],
  ['https:///x', 'no plain host in the URL https:///x'],
])('a URL is refused: %s', async (url, expected) => {
  expect((await runShell(folder, ['post'], `take_apart '${url}'`)).trim()).toBe(`FAILED: ${expected}`)
})

test('a response: a body that is cut short', async () => {
  const { out } = await post((_, response) => {
    response.writeHead(200, { 'content-length': 9 })
    response.write('short', () => response.destroy())
  }, {})
  expect(out).toMatch(/^FAILED: io: Peer disconnected/)
})
