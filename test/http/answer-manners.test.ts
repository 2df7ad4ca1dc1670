/** The wire of `POST /answer`: what the installer's HTTP client would fall over, written octet by octet. */
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { parse } from 'smol-toml'
import { afterEach, describe, expect, test } from 'vitest'
import { NODE1 } from '../machine/rig.ts'
import { HERE, Rig, type RigOptions } from './rig.ts'

let rig: Rig
afterEach(() => rig.close())

async function start(options?: RigOptions): Promise<Rig> {
  rig = await Rig.start(options)
  await rig.bring('booting')
  return rig
}

/** proxmox-fetch-answer 9.2.7, its header names in lower case and its body in one line. */
const BODY = JSON.stringify({
  $schema: { version: '1.0' },
  product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: true },
  iso: { release: '9.2', isorelease: '1' },
  dmi: { system: { serial: '7K2QX93' } },
  network_interfaces: [{ link: 'eno1', mac: NODE1.toUpperCase() }],
})

const head = (path: string, more: string[] = [], body = BODY): string =>
  [
    `POST ${path} HTTP/1.1`,
    'accept-encoding: gzip',
    `content-length: ${Buffer.byteLength(body)}`,
    'user-agent: ureq/3.0.11',
    'host: 10.77.0.1',
    'content-type: application/json; charset=utf-8',
    'accept: application/json, application/toml;q=0.5',
    ...more,
    '',
    '',
  ].join('\r\n')

async function secure(): Promise<TLSSocket> {
  const options = { host: '127.0.0.1', port: rig.ports.tls, localAddress: HERE, rejectUnauthorized: false }
  const socket = connect(options)
  socket.setNoDelay(true)
  await once(socket, 'secureConnect')
  return socket
}

/** Everything that comes for these pieces; each goes out in a segment of its own, after the server has answered another request. */
async function speak(...pieces: string[]): Promise<string> {
  const socket = await secure()
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  for (const piece of pieces) {
    socket.write(piece)
    await rig.plain('/boot.ipxe')
  }
  const isWhole = (): boolean => {
    const text = Buffer.concat(parts).toString('latin1')
    const length = /content-length: (\d+)/i.exec(text)?.[1]
    return length !== undefined && text.length >= text.indexOf('\r\n\r\n') + 4 + Number(length)
  }
  while (!isWhole()) await once(socket, 'data')
  socket.destroy()
  return Buffer.concat(parts).toString('latin1')
}

const statusLines = (text: string): string[] => text.match(/HTTP\/1\.[01] \d{3}[^\r]*/g) ?? []

describe('L08 one reply, and nothing before it', () => {
  test('headers and body in two segments, as the installer sends them', async () => {
    await start()
    const text = await speak(head(`/answer/${rig.token('answer')}`), BODY)
    expect(statusLines(text)).toEqual(['HTTP/1.1 200 OK'])
    expect(text).not.toMatch(/^(location|transfer-encoding|content-encoding):/im)
    expect(parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({ global: { fqdn: 'node1.rack.test' } })
  })

  test('the body octet by octet in the middle of a name', async () => {
    await start()
    const path = `/answer/${rig.token('answer')}`
    expect(
      statusLines(await speak(head(path).slice(0, 20), head(path).slice(20), BODY.slice(0, 9), BODY.slice(9))),
    ).toEqual(['HTTP/1.1 200 OK'])
  })

  test.each(['100-continue', 'something-else'])('nobody is told to go on: Expect: %s', async expectation => {
    await start()
    const text = await speak(head(`/answer/${rig.token('answer')}`, [`expect: ${expectation}`]), BODY)
    expect(statusLines(text)).toEqual(['HTTP/1.1 200 OK'])
  })

  test.each([
    ['a slash at its end', (token: string) => `/answer/${token}/`],
    ['a query', (token: string) => `/answer/${token}?from=stick`],
    ['both', (token: string) => `/answer/${token}/?from=stick`],
    ['no token and a slash', () => '/answer/'],
    ['Datacenter Manager’s path', () => '/api2/json/auto-install/answer'],
    ['Datacenter Manager’s path with a slash', () => '/api2/json/auto-install/answer/'],
  ])('%s is the same path, without a redirect', async (_, path) => {
    await start()
    expect(statusLines(await speak(head(path(rig.token('answer'))), BODY))).toEqual(['HTTP/1.1 200 OK'])
  })

  test('a power cycle in the middle of an installation: the same answer again', async () => {
    await start()
    const path = `/answer/${rig.token('answer')}`
    const body = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)
    const first = await speak(head(path), BODY)
    expect(rig.node1.state).toBe('installing')
    expect(body(await speak(head(path), BODY))).toBe(body(first))
    expect((await rig.types()).filter(type => type === 'answer-served')).toHaveLength(2)
  })
})

describe('answers in JSON, where the site wants them', () => {
  const ask = (accept: string | undefined) =>
    rig.tls(`/answer/${rig.token('answer')}`, { method: 'POST', body: BODY, headers: accept ? { accept } : {} })

  test('an installer of 9.2 gets the same keys as in TOML', async () => {
    await start({ http: 'answer-format = "json"' })
    const json = await ask('application/json, application/toml;q=0.5')
    expect(json.headers['content-type']).toMatch(/^application\/json/)
    const toml = await ask('*/*')
    expect(toml.headers['content-type']).toBe('application/toml; charset=utf-8')
    const { 'post-installation-webhook': _, ...same } = parse(toml.text)
    expect(JSON.parse(json.text)).toMatchObject(same)
  })

  test.each(['*/*', undefined, 'application/toml'])('who does not ask for it gets TOML: %s', async accept => {
    await start({ http: 'answer-format = "json"' })
    expect((await ask(accept)).headers['content-type']).toBe('application/toml; charset=utf-8')
  })

  test('everybody gets TOML where the site does not say otherwise', async () => {
    await start()
    expect((await ask('application/json')).headers['content-type']).toBe('application/toml; charset=utf-8')
  })
})

describe('ISOs that were prepared with a bearer token of the site', () => {
  const ask = (bearer: string) =>
    rig.tls('/api2/json/auto-install/answer', {
      method: 'POST',
      body: BODY,
      headers: { authorization: `Bearer ${bearer}` },
    })

  const withTokens = async (text: string): Promise<void> => {
    await start({ http: 'answer-token-file = "@/tokens"' })
    await writeFile(join(rig.folder, 'tokens'), text)
    await chmod(join(rig.folder, 'tokens'), 0o600)
  }

  test('a token that is listed opens nothing by itself, and is no wrong one', async () => {
    await withTokens('# for the sticks\nsticks:oldsecret\n  rack7:s3cret  \n')
    expect((await ask('rack7:s3cret')).status).toBe(200)
    expect(await rig.registry.timeline(rig.node1.id, 0, 100).then(events => events.at(-1))).toMatchObject({
      type: 'answer-served',
      withToken: false,
    })
  })

  test.each(['rack7:s3cre', 'rack7:s3cret2', '#', 'rack7'])('%s is not', async bearer => {
    await withTokens('# rack7\nrack7:s3cret\n')
    const reply = await ask(bearer)
    expect([reply.status, reply.text]).toEqual([
      403,
      'Rackrise: this answer URL or bearer token is not valid any more; power-cycle the machine (unknown-token)\n',
    ])
  })

  test('M05 a file that others can read by now lists nothing, and the log says so, without its tokens', async () => {
    await withTokens('rack7:s3cret\n')
    await chmod(join(rig.folder, 'tokens'), 0o604)
    expect((await ask('rack7:s3cret')).status).toBe(403)
    const told = rig.log.lines.join()
    expect([told.includes('is not used; see http.answer-token-file'), told.includes('s3cret')]).toEqual([true, false])
  })

  test('a file that is gone lists nothing, and the log says so', async () => {
    await start({ http: 'answer-token-file = "@/tokens"' })
    expect((await ask('rack7:s3cret')).status).toBe(403)
    expect(rig.log.of('error')).toEqual(['error the file of answer tokens is not used; see http.answer-token-file'])
  })
})

test('the token of the mode file is not compared with those of the site', async () => {
  await start({ http: 'answer-token-file = "@/tokens"' })
  const headers = { authorization: `Bearer ${rig.token('bearer')}` }
  expect((await rig.tls('/answer', { method: 'POST', body: BODY, headers })).status).toBe(200)
  expect(rig.log.of('error')).toEqual([])
})
