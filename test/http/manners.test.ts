import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../services/http/server.ts'
import { ELSEWHERE, HERE, Rig, sendRaw } from './rig.ts'

let rig: Rig
afterEach(() => rig.close())

describe('L04 paths and methods', () => {
  beforeEach(async () => {
    rig = await Rig.start()
  })

  test.each([
    ['plain', 'POST', '/boot.ipxe', 'GET'],
    ['plain', 'DELETE', '/boot/a1a1a1a1/initrd.img', 'GET, HEAD'],
    ['plain', 'PUT', '/isos/x/vmlinuz', 'GET, HEAD'],
    ['plain', 'PATCH', '/loaders/x', 'GET, HEAD'],
    ['tls', 'GET', '/answer', 'POST'],
    ['tls', 'PUT', '/answer/token', 'POST'],
    ['tls', 'GET', '/api2/json/auto-install/answer', 'POST'],
    ['tls', 'GET', '/webhook/token', 'POST'],
    ['tls', 'POST', '/first-boot/token', 'GET'],
  ] as const)('%s %s %s: 405 with Allow', async (port, method, path, allow) => {
    const reply = await rig[port](path, { method })
    expect([reply.status, reply.headers.allow, reply.text]).toEqual([405, allow, 'this method is not for this path\n'])
  })

  test.each([
    ['plain', '/boot.ipxe'],
    ['tls', '/first-boot/token'],
  ] as const)('%s %s has no head: asking for it would make something true of a machine', async (port, path) => {
    const reply = await rig[port](path, { method: 'HEAD' })
    expect([reply.status, reply.headers.allow]).toEqual([405, 'GET'])
  })

  test.each([
    ['plain', 'GET', '/'],
    ['plain', 'POST', '/answer'],
    ['plain', 'GET', '/boot.ipxe/x'],
    ['plain', 'GET', '/bootxipxe'],
    ['plain', 'GET', '/secret/<script>alert(1)</script>'],
    ['tls', 'GET', '/boot.ipxe'],
    ['tls', 'GET', '/secret?token=abc'],
    ['tls', 'DELETE', '/secret'],
  ] as const)('%s %s %s: 404, and nothing of the path in the body', async (port, method, path) => {
    const reply = await rig[port](path, { method })
    expect([reply.status, reply.headers['content-type'], reply.text]).toEqual([
      404,
      'text/plain; charset=utf-8',
      'there is nothing here; check the path\n',
    ])
  })

  test('nobody is ever redirected', async () => {
    for (const path of ['/answer/', '//answer', '/answer/x/', '/ANSWER', '/answer?x=1']) {
      const reply = await rig.tls(path, { method: 'POST', body: '{}' })
      expect([path, reply.status >= 400, reply.headers.location]).toEqual([path, true, undefined])
    }
  })
})

describe('L05 nothing leaves the catalogue', () => {
  beforeEach(async () => {
    rig = await Rig.start()
    await writeFile(join(rig.folder, 'loaders', 'snponly.efi'), 'loader')
    await writeFile(join(rig.folder, 'secret.txt'), 'top secret')
  })

  test.each([
    '/loaders/../secret.txt',
    '/loaders/..%2fsecret.txt',
    '/loaders/%2e%2e/secret.txt',
    '/loaders/%2e%2e%2fsecret.txt',
    '/loaders/%252e%252e%252fsecret.txt',
    '/loaders/..\\secret.txt',
    '/loaders/..%5csecret.txt',
    '/loaders/snponly.efi%00.txt',
    '/loaders/%00',
    '/loaders/%zz',
    '/loaders/%c0%ae%c0%ae/secret.txt',
    '/loaders//etc/passwd',
    '/isos/../loaders/snponly.efi',
    '/isos/%2e%2e/state.sqlite',
    '/boot/../secret.txt/vmlinuz',
    'http://evil.example/loaders/../secret.txt',
    'file:///etc/passwd',
    '*',
  ])('%s', async path => {
    const text = await sendRaw(rig.ports.plain, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 (400|404|405) /)
    const body = text.slice(text.indexOf('\r\n\r\n') + 4)
    for (const word of ['secret', 'passwd', 'snponly', 'evil', rig.folder]) expect(body).not.toContain(word)
  })

  test('after all of that a loader is still served', async () => {
    await rig.close()
    rig = await Rig.start()
    expect((await rig.plain('/loaders/snponly.efi')).status).toBe(200)
    expect((await rig.plain('/boot.ipxe')).status).toBe(200)
  })

  test.each([
    ['no request at all', 'hello\r\n\r\n'],
    ['TLS to the plain port', '\u0016\u0003\u0001\u0000\u00a5\u0001\u0000'],
    ['a header without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
    ['two lengths', 'POST /boot.ipxe HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    [
      'length and chunks at once, as smugglers send',
      'POST /boot.ipxe HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('%s is a 400 or a closed door', async (_, bytes) => {
    expect(await sendRaw(rig.ports.plain, bytes)).toMatch(/^(HTTP\/1\.1 (400|431) |$)/)
    expect((await rig.plain('/boot.ipxe')).status).toBe(200)
  })
})

describe('L06 slow clients are cut off', () => {
  const limits = { ...DEFAULT_LIMITS, headersMs: 50, requestMs: 100, checkEveryMs: 10 }
  beforeEach(async () => {
    rig = await Rig.start({ limits })
  })

  test('headers that are never finished', async () => {
    expect(await sendRaw(rig.ports.plain, 'GET /boot.ipxe HTTP/1.1\r\nHost: x\r\n')).toMatch(/^(HTTP\/1\.1 408 |$)/)
  })

  test('a connection that says nothing', async () => {
    expect(await sendRaw(rig.ports.plain, '')).toMatch(/^(HTTP\/1\.1 408 |$)/)
  })

  test('a TLS handshake that never begins', async () => {
    expect(await sendRaw(rig.ports.tls, '')).toBe('')
  })

  test('a body that is never finished', async () => {
    const socket = connectTls({ host: '127.0.0.1', port: rig.ports.tls, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const parts: Buffer[] = []
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.write('POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{')
    await once(socket, 'close')
    expect(Buffer.concat(parts).toString('latin1')).toMatch(/^(HTTP\/1\.1 408 |$)/)
  })
})

test('more connections than the limit are not taken, and the others are served', async () => {
  rig = await Rig.start({ limits: { ...DEFAULT_LIMITS, connections: 2 } })
  const held = [1, 2].map(() => connect({ host: '127.0.0.1', port: rig.ports.plain, localAddress: HERE }))
  await Promise.all(held.map(socket => once(socket, 'connect')))
  held[0]!.write('GET /boot.ipxe HTTP/1.1\r\nHost: x\r\n')
  await expect(rig.plain('/boot.ipxe')).rejects.toThrow(/hang up|ECONNRESET/)
  held[0]!.write('\r\n')
  expect(String(await once(held[0]!, 'data').then(([part]) => part as Buffer))).toMatch(/^HTTP\/1\.1 200 /)
  for (const socket of held) socket.destroy()
})

describe('T17 one client holds some connections, and keeps nobody out with them', () => {
  test.each(['plain', 'tls'] as const)('%s', async listener => {
    rig = await Rig.start({ limits: { ...DEFAULT_LIMITS, connectionsOfClient: 2 } })
    const port = rig.ports[listener]
    const held = [1, 2].map(() => connect({ host: '127.0.0.1', port, localAddress: HERE }))
    await Promise.all(held.map(socket => once(socket, 'connect')))
    for (let beyond = 0; beyond < 3; beyond++) expect(await sendRaw(port, '')).toBe('')
    expect((await rig[listener]('/nothing', { from: ELSEWHERE })).status).toBe(404)
    const message = `${HERE} holds 2 connections of HTTP; what it opens beyond them is closed`
    expect(rig.log.of('warn')).toEqual([`warn ${message}`])
    expect(rig.alarms.list()).toMatchObject([{ code: 'too-many-connections', subject: HERE, count: 3 }])
    // A place that becomes free is the client's own again.
    held[0]!.destroy()
    await expect.poll(() => rig[listener]('/nothing').then(({ status }) => status, String)).toBe(404)
    held[1]!.destroy()
  })
})

test('L14 a stop lets a request that runs come to its end, and takes no new one', async () => {
  rig = await Rig.start()
  const socket = connect({ host: '127.0.0.1', port: rig.ports.plain, localAddress: HERE })
  await once(socket, 'connect')
  socket.write('GET /boot.ipxe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n')
  // Another request, answered, so that the half one has arrived by then.
  await rig.plain('/boot.ipxe')
  const stopped = rig.close()
  socket.write('\r\n')
  expect(String(await once(socket, 'data').then(([part]) => part as Buffer))).toMatch(/^HTTP\/1\.1 200 /)
  await stopped
  await expect(rig.plain('/boot.ipxe')).rejects.toThrow('ECONNREFUSED')
})
