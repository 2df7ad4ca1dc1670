/** Real receivers on loopback: what they see, and what they may do to us. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createSecure } from 'node:https'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { generate } from 'selfsigned'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { post } from '../../services/webhook/post.ts'
import { shownUrl } from '../../services/site/urls.ts'
import { signatureOf, targetId } from '../../services/webhook/sign.ts'

const LETTER = { event: 'installed', key: 'a1a1a1a1-installed-k', body: '{"event":"installed"}' }

let folder: string
const servers: { close(): unknown }[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-post-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await rm(folder, { recursive: true })
})

async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function receiver(
  answer: RequestListener,
): Promise<{ url: string; got: { request: IncomingMessage; body: string }[] }> {
  const got: { request: IncomingMessage; body: string }[] = []
  const server = createServer((request, response) => {
    void text(request).then(body => {
      got.push({ request, body })
      answer(request, response)
    })
  })
  return { url: `http://127.0.0.1:${await listen(server)}/hook?x=1`, got }
}

const target = (url: string, more = {}) => ({ url, events: ['installed' as const], ...more })

test('the message as it arrives, signed over its very octets', async () => {
  const secretFile = join(folder, 'hook.key')
  await writeFile(secretFile, 'correct horse\n', { mode: 0o600 })
  const { url, got } = await receiver((_, response) => response.writeHead(201).end())
  expect(await post(target(url, { secretFile }), LETTER)).toEqual({ taken: true, status: 201 })
  const { request, body } = got[0]!
  expect([request.method, request.url, body]).toEqual(['POST', '/hook?x=1', LETTER.body])
  expect(request.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'idempotency-key': LETTER.key,
    'rackrise-event': 'installed',
    'rackrise-signature': `sha256=${createHmac('sha256', 'correct horse').update(body).digest('hex')}`,
  })
})

test.each([
  ['that others can read by now', 'correct horse\n', 0o640, /holds a secret and has mode 0640/],
  ['that others can write by now', 'correct horse\n', 0o602, /holds a secret and has mode 0602/],
  ['that is empty by now, as if there were none', '', 0o600, /is empty/],
])('M05 a key %s is a try that failed, and nothing is sent', async (_, text, mode, error) => {
  const secretFile = join(folder, 'open.key')
  await writeFile(secretFile, text, { mode: 0o600 })
  await chmod(secretFile, mode)
  const { url, got } = await receiver((_request, response) => response.end())
  expect(await post(target(url, { secretFile }), LETTER)).toEqual({ taken: false, error: expect.stringMatching(error) })
  expect(got).toEqual([])
})

test('without a key there is no signature', async () => {
  const { url, got } = await receiver((_, response) => response.end())
  await post(target(url), LETTER)
  expect(got[0]!.request.headers['rackrise-signature']).toBeUndefined()
})

test('the signature of RFC 4231 §4.3', () => {
  expect(signatureOf('what do ya want for nothing?', 'Jefe')).toBe(
    'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
})

test.each([
  [302, 'it answered 302; redirects are not followed, write the address it leads to'],
  [400, 'it answered 400'],
  [503, 'it answered 503'],
])('an answer of %i is a try that failed', async (status, error) => {
  const other = await receiver((_, response) => response.end())
  const { url } = await receiver((_, response) => response.writeHead(status, { location: other.url }).end('top secret'))
  expect(await post(target(url), LETTER)).toEqual({ taken: false, error })
  expect(other.got).toEqual([])
})

test.each([
  [429, '7', { waitMs: 7000 }],
  [503, '7', { waitMs: 7000 }],
  [400, '7', {}],
  [503, 'soon', {}],
])('an answer of %i with Retry-After: %s', async (status, after, expected) => {
  const { url } = await receiver((_, response) => response.writeHead(status, { 'retry-after': after }).end())
  expect(await post(target(url), LETTER)).toEqual({ taken: false, error: `it answered ${status}`, ...expected })
})

test('a reply without end does not hold us: its status is all that counts', async () => {
  const { url } = await receiver((_, response) => void response.writeHead(200).write('x'))
  expect(await post(target(url), LETTER)).toEqual({ taken: true, status: 200 })
})

test('an answer that wants another protocol is a try that failed, at once', async () => {
  const tcp = createTcp(socket =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ),
  )
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  servers.push(tcp)
  const outcome = await post(target(`http://127.0.0.1:${(tcp.address() as AddressInfo).port}/`), LETTER)
  expect(outcome).toEqual({ taken: false, error: 'it hung up without an answer' })
})

test('nobody listens there, and somebody hangs up', async () => {
  expect(await post(target('http://127.0.0.1:9/'), LETTER)).toEqual({
    taken: false,
    error: 'connect ECONNREFUSED 127.0.0.1:9',
  })
  const tcp = createTcp(socket => socket.destroy())
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  servers.push(tcp)
  const outcome = await post(target(`http://127.0.0.1:${(tcp.address() as AddressInfo).port}/`), LETTER)
  expect(outcome).toMatchObject({ taken: false, error: expect.stringMatching(/hang up|ECONNRESET/) })
})

test('TLS is verified, by the certificates of the site where it names some', async () => {
  const made = await generate([{ name: 'commonName', value: 'receiver' }], {
    keyType: 'ec',
    curve: 'P-256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  const server = createSecure({ cert: made.cert, key: made.private }, (_, response) => response.end())
  const url = `https://127.0.0.1:${await listen(server as unknown as Server)}/`
  expect(await post(target(url), LETTER)).toMatchObject({ taken: false, error: expect.stringMatching(/self.signed/i) })
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, made.cert)
  expect(await post(target(url, { caFile }), LETTER)).toEqual({ taken: true, status: 200 })
  // The name counts, too.
  expect(await post(target(url.replace('127.0.0.1', 'localhost'), { caFile }), LETTER)).toMatchObject({ taken: false })
})

test.each(['secretFile', 'caFile'])('a %s that is gone is a try that failed, and says which', async key => {
  const { url, got } = await receiver((_, response) => response.end())
  const path = join(folder, 'gone')
  expect(await post(target(url, { [key]: path }), LETTER)).toMatchObject({
    taken: false,
    error: expect.stringContaining(path),
  })
  expect(got).toEqual([])
})

test('of a target neither store nor people see more than they need', () => {
  expect(targetId('https://a.example.org/k3y')).toMatch(/^[0-9a-f]{32}$/)
  expect([shownUrl('https://a.example.org:8443/k3y?t=1'), shownUrl('https://a.example.org/')]).toEqual([
    'https://a.example.org:8443/…',
    'https://a.example.org',
  ])
})
