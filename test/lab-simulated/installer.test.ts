import { X509Certificate } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UNSPECIFIED, type Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { Lease } from '../../services/lab/simulated/dhcp-client.ts'
import { OPTION } from '../../services/lab/simulated/dhcp-message.ts'
import { runInstaller, type InstallResult } from '../../services/lab/simulated/installer.ts'

const LOOPBACK = '127.0.0.1' as Ipv4
const MACHINE = {
  name: 'm1',
  mac: 'bc:24:11:00:00:0a' as Mac,
  uuid: '77000000-0000-4000-8000-000000000001',
  serial: 'SIM-1',
  firmware: 'uefi' as const,
}
const AUTO = 'quiet proxmox-start-auto-installer'

type Request = { method: string; path: string; headers: string[]; body: string }
type Reply = { status: number; body: string; type?: string; location?: string }

/** The server of the test: what it heard, and what it says to each path. */
let base = ''
let fingerprint = ''
let heard: Request[] = []
let replies: Record<string, Reply> = {}
let connections = 0
const closers: (() => void)[] = []

function answerWith(more = ''): string {
  return `[global]\nkeyboard="de"\ncountry="de"\nfqdn="a.b.test"\nmailto="a@b.c"\ntimezone="UTC"\nroot-password-hashed="x"\n[network]\nsource="from-dhcp"\n[disk-setup]\nfilesystem="ext4"\ndisk-list=["vda"]\n${more}`
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

beforeAll(async () => {
  const pems = await generate([{ name: 'commonName', value: 'lab' }], { keySize: 2048 })
  fingerprint = new X509Certificate(pems.cert).fingerprint256
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    heard.push({
      method: request.method!,
      path: request.url!,
      headers: request.rawHeaders,
      body: await bodyOf(request),
    })
    const reply = replies[request.url!] ?? { status: 404, body: 'not here' }
    response.writeHead(reply.status, {
      ...(reply.type ? { 'content-type': reply.type } : {}),
      ...(reply.location ? { location: reply.location } : {}),
    })
    response.end(reply.body)
  }
  const server = createTlsServer(
    { cert: pems.cert, key: pems.private },
    (request, response) => void serve(request, response),
  )
  server.on('connection', () => (connections += 1))
  await new Promise<void>(resolve => void server.listen(0, LOOPBACK, resolve))
  base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  closers.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
})

afterAll(() => {
  for (const close of closers) close()
})

function lease(options: [number, string][]): Lease {
  const map = new Map(options.map(([code, text]): [number, Uint8Array] => [code, Buffer.from(text, 'latin1')]))
  map.set(1, Buffer.from('fffffe00', 'hex'))
  const reply = {
    xid: 1,
    type: 'ack' as const,
    yiaddr: LOOPBACK,
    siaddr: UNSPECIFIED,
    file: '',
    chaddr: new Uint8Array(6),
    options: map,
  }
  return { address: LOOPBACK, server: LOOPBACK, reply }
}

type Told = { mode?: string; pin?: string; url?: string; limitMs?: number; powerCut?: boolean }

async function install(told: Told = {}): Promise<{ result: InstallResult; stages: string[] }> {
  const stages: string[] = []
  const signal = new AbortController().signal
  const given = lease([
    [OPTION.answerUrl, told.url ?? `${base}/answer`],
    [OPTION.fingerprint, told.pin ?? fingerprint],
  ])
  const files = new Map([
    ['auto-installer-mode.toml', Buffer.from(told.mode ?? 'mode = "http"\n[http]\ntoken = "n:s"\n')],
  ])
  const result = await runInstaller(
    {
      machine: MACHINE,
      dhcp: async () => ({ ok: true, lease: given }),
      http: () => ({ localAddress: LOOPBACK, signal, resolve: async name => ({ reason: `nobody knows ${name}` }) }),
      dns: () => () => {
        throw new Error('DNS is not asked when DHCP has the address')
      },
      requestLimitMs: told.limitMs ?? 5000,
      report: stage => void stages.push(stage),
      install: async () => !told.powerCut,
    },
    AUTO,
    files,
  )
  return { result, stages }
}

function play(next: Record<string, Reply>): void {
  heard = []
  connections = 0
  replies = next
}

describe('an installation', () => {
  test('asks, fetches, installs and reports, byte for byte as 9.2.7 does', async () => {
    const more = `[first-boot]\nsource="from-url"\nurl="${base}/first"\ncert-fingerprint="${fingerprint}"\n[post-installation-webhook]\nurl="${base}/hook"\ncert-fingerprint="${fingerprint}"\nauth-token="a:b"\n`
    play({
      '/answer': { status: 200, body: answerWith(more) },
      '/first': { status: 200, body: '#!/bin/sh\n' },
      '/hook': { status: 201, body: '' },
    })
    expect(await install()).toEqual({ result: { ok: true }, stages: ['dhcp', 'answer', 'installing'] })
    expect(heard.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /answer', 'GET /first', 'POST /hook'])
    const [answer, , hook] = heard
    const host = base.slice('https://'.length)
    expect(answer!.headers).toEqual([
      ...[
        'accept-encoding',
        'gzip',
        'content-length',
        String(answer!.body.length),
        'user-agent',
        'ureq/3.0.11',
        'host',
        host,
      ],
      ...[
        'content-type',
        'application/json; charset=utf-8',
        'accept',
        'application/json, application/toml;q=0.5',
        'authorization',
        'Bearer n:s',
      ],
    ])
    expect(JSON.parse(answer!.body)).toMatchObject({
      $schema: { version: '1.0' },
      iso: { release: '9.2' },
      dmi: { system: { serial: 'SIM-1', uuid: MACHINE.uuid } },
      network_interfaces: [{ mac: 'BC:24:11:00:00:0A' }],
    })
    expect(hook!.headers).not.toContain('authorization')
    expect(JSON.parse(hook!.body)).toMatchObject({
      token: 'a:b',
      fqdn: 'a.b.test',
      'boot-info': { mode: 'efi' },
      'network-interfaces': [{ mac: 'bc:24:11:00:00:0a', address: '127.0.0.1/23', 'is-management': true }],
    })
  })

  test('a power cut ends it before the report', async () => {
    play({ '/answer': { status: 200, body: answerWith(`[post-installation-webhook]\nurl="${base}/hook"\n`) } })
    expect((await install({ powerCut: true })).result).toEqual({ ok: false, powerLost: true })
    expect(heard).toHaveLength(1)
  })
})

describe('what leaves a real machine in a shell', () => {
  test.each<[string, Reply, string]>([
    ['204', { status: 204, body: '' }, 'answer: http error: 204: '],
    ['202', { status: 202, body: 'later' }, 'answer: http error: 202: later'],
    [
      '403 with its reason on one line',
      { status: 403, body: 'not\napproved' },
      'answer: http error: 403: not approved',
    ],
    ['a redirect', { status: 302, body: '', location: '/elsewhere' }, 'answer: http error: 302: '],
    ['an empty answer', { status: 200, body: '' }, 'answer: the answer is empty'],
    ['a login page', { status: 200, body: '<html>' }, 'answer: answer file: Invalid TOML document'],
  ])('%s', async (_, reply, why) => {
    play({ '/answer': reply })
    const { result } = await install()
    expect(result).toMatchObject({ ok: false, why: expect.stringContaining(why) })
    expect(heard).toHaveLength(1)
  })

  test('another certificate: nothing is sent', async () => {
    play({ '/answer': { status: 200, body: answerWith() } })
    const { result } = await install({ pin: '00'.repeat(32) })
    expect(result).toMatchObject({ ok: false, why: expect.stringContaining("the certificate's fingerprint is") })
    expect([connections, heard.length]).toEqual([1, 0])
  })

  test('no fingerprint and a self-signed certificate', async () => {
    play({ '/answer': { status: 200, body: answerWith() } })
    const { result } = await install({ mode: `mode = "http"\n[http]\nurl = "${base}/answer"\n` })
    expect(result).toMatchObject({ ok: false, why: expect.stringContaining('self-signed certificate') })
    expect(heard).toHaveLength(0)
  })

  test.each([
    ['a fingerprint that is none', { pin: 'SHA256:aa' }, 'answer: fingerprint SHA256:aa is not hexadecimal'],
    [
      'an address without scheme',
      { url: '127.0.0.1/answer' },
      'answer: "127.0.0.1/answer" is no address that can be asked',
    ],
    [
      'https with an IPv6 address',
      { url: 'https://[::1]/answer' },
      'answer: invalid dns name: https with an IPv6 address',
    ],
    ['a host that nobody knows', { url: 'https://nowhere.test/' }, 'answer: nobody knows nowhere.test'],
  ])('%s', async (_, told, why) => {
    play({})
    expect((await install(told)).result).toEqual({ ok: false, why })
    expect(connections).toBe(0)
  })

  test('a webhook that says 204', async () => {
    play({
      '/answer': {
        status: 200,
        body: answerWith(`[post-installation-webhook]\nurl="${base}/hook"\ncert-fingerprint="${fingerprint}"\n`),
      },
      '/hook': { status: 204, body: '' },
    })
    expect((await install()).result).toEqual({ ok: false, why: 'webhook: http error: 204: ' })
  })

  test('a first-boot script that is missing', async () => {
    play({
      '/answer': {
        status: 200,
        body: answerWith(`[first-boot]\nsource="from-url"\nurl="${base}/first"\ncert-fingerprint="${fingerprint}"\n`),
      },
    })
    expect((await install()).result).toEqual({ ok: false, why: 'first-boot script: http status: 404' })
  })

  test('a server that takes the request and never answers', async () => {
    const mute = createServer(() => {})
    await new Promise<void>(resolve => void mute.listen(0, LOOPBACK, resolve))
    closers.push(
      () => mute.close(),
      () => mute.closeAllConnections(),
    )
    const url = `http://127.0.0.1:${(mute.address() as AddressInfo).port}/answer`
    expect((await install({ url, limitMs: 50 })).result).toEqual({
      ok: false,
      why: 'answer: timeout: nothing complete after 0.05 s',
    })
  })
})
