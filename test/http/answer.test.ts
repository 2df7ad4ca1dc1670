import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { afterEach, describe, expect, test } from 'vitest'
import { lastSystemInformation } from '../../services/answer/documents.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { NODE1, NODE2, STRANGER } from '../machine/rig.ts'
import { ELSEWHERE, HERE, LAYER, type Reply, Rig, type RigOptions } from './rig.ts'

let rig: Rig
const start = async (options?: RigOptions): Promise<Rig> => (rig = await Rig.start(options))
afterEach(() => rig.close())

const SECOND_NIC = 'bc:24:11:ab:13:21'

/** What each generation of installers sends, in its own spelling. */
const INSTALLERS = {
  '9.2': {
    release: '9.2',
    contentType: 'application/json; charset=utf-8',
    body: {
      $schema: { version: '1.0' },
      product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: true },
      iso: { release: '9.2', isorelease: '1' },
      dmi: { system: { serial: '7K2QX93' } },
      network_interfaces: [
        { link: 'eno1', mac: NODE1.toUpperCase() },
        { link: 'eno2', mac: SECOND_NIC.toUpperCase() },
      ],
    },
  },
  '9.1': {
    release: '9.1',
    contentType: 'application/json; charset=utf-8',
    body: {
      $schema: { version: '1.0' },
      product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: true },
      iso: { release: '9.1', isorelease: '1' },
      dmi: { system: {} },
      network_interfaces: [{ link: 'eno1', mac: NODE1 }],
    },
  },
  '8.2': {
    release: '8.2',
    contentType: 'application/json; charset=utf-',
    body: {
      product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: true },
      iso: { release: '8.2', isorelease: '1' },
      dmi: {},
      network_interfaces: [{ link: 'ens18', mac: NODE1 }],
    },
  },
} as const

type Post = { path?: string; from?: Ipv4; headers?: Record<string, string>; body?: unknown }

function post({
  path = `/answer/${rig.token('answer')}`,
  from = HERE,
  headers = {},
  body = INSTALLERS['9.2'].body,
}: Post = {}): Promise<Reply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return rig.tls(path, {
    method: 'POST',
    from,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: text,
  })
}

async function expectRefusal(reply: Reply, status: number, reason: string): Promise<void> {
  expect([reply.status, reply.headers['content-type'], reply.headers['cache-control']]).toEqual([
    status,
    'text/plain; charset=utf-8',
    'no-store',
  ])
  expect(reply.text).toMatch(/^Rackrise: [^\n]+\n$/)
  expect(reply.text).toContain(reason)
  expect(reply.text).not.toContain('root-password')
}

describe('L08 the answer, whole and at once', () => {
  test.each(['9.2', '9.1', '8.2'] as const)('installer %s', async name => {
    const { release, contentType, body } = INSTALLERS[name]
    await start({ releases: [release], iso: `pve:${release}` })
    // Installer 8.2 knows no hashes, and neither webhook nor first-boot script.
    if (name === '8.2')
      await writeFile(
        join(rig.folder, 'answers', 'base.toml'),
        LAYER.replace(/root-password-hashed = .*/, 'root-password = "correct horse battery"'),
      )
    await rig.bring('booting')
    const reply = await post({ headers: { 'content-type': contentType }, body })
    expect([
      reply.status,
      reply.headers['content-type'],
      reply.headers['cache-control'],
      reply.headers.location,
    ]).toEqual([200, 'application/toml; charset=utf-8', 'no-store', undefined])
    expect(reply.headers['content-length']).toBe(String(reply.body.length))
    expect(parse(reply.text)).toMatchObject({ global: { fqdn: 'node1.rack.test', mailto: 'root@rack.test' } })
    expect(rig.node1.state).toBe('installing')
    const served = (await rig.registry.timeline(rig.node1.id, 0, 100)).at(-1)
    expect(served).toMatchObject({
      type: 'answer-served',
      source: 'answer',
      address: HERE,
      layers: ['base'],
      withToken: true,
      sha256: createHash('sha256').update(reply.body).digest('hex'),
    })
  })

  test('what it was asked with is kept with the machine, whether it was granted or not', async () => {
    await start()
    await expectRefusal(await post({ path: '/answer', body: INSTALLERS['9.1'].body }), 403, 'not-approved')
    expect((await lastSystemInformation(rig.documents, rig.node1.id))?.body).toEqual(INSTALLERS['9.1'].body)
    await rig.bring('booting')
    await post()
    expect(await lastSystemInformation(rig.documents, rig.node1.id)).toMatchObject({
      at: rig.clock.now(),
      body: INSTALLERS['9.2'].body,
      information: { release: '9.2', macs: [NODE1, SECOND_NIC] },
    })
    await expectRefusal(await post({ from: ELSEWHERE, body: INSTALLERS['9.1'].body }), 403, 'address-mismatch')
    expect((await lastSystemInformation(rig.documents, rig.node1.id))?.body).toEqual(INSTALLERS['9.2'].body)
  })

  test('where to report, where the first-boot script is, and which certificate serves them', async () => {
    await start()
    await rig.bring('booting')
    const answer = parse((await post()).text)
    expect(answer['post-installation-webhook']).toMatchObject({
      url: `https://10.77.0.1/webhook/${rig.token('webhook')}`,
    })
    expect(answer['first-boot']).toMatchObject({
      source: 'from-url',
      url: `https://10.77.0.1/first-boot/${rig.token('first-boot')}`,
    })
    const fingerprint = rig.context.certificate.current.fingerprint
    for (const table of ['post-installation-webhook', 'first-boot'])
      expect(
        String((answer[table] as { 'cert-fingerprint': string })['cert-fingerprint'])
          .replaceAll(':', '')
          .toUpperCase(),
      ).toBe(fingerprint)
  })

  test.each([
    ['no content type at all', undefined],
    ['a content type that is none', ';;;'],
    ['that of a form', 'application/x-www-form-urlencoded'],
  ])('the body counts, whatever is said about it: %s', async (_, contentType) => {
    await start()
    await rig.bring('booting')
    const body = JSON.stringify(INSTALLERS['9.2'].body)
    const reply = await rig.tls(`/answer/${rig.token('answer')}`, {
      method: 'POST',
      headers: contentType === undefined ? {} : { 'content-type': contentType },
      body,
    })
    expect(reply.status).toBe(200)
  })

  test.each([
    ['without a token, by address and MAC', '/answer', {}, false],
    ['the path that Datacenter Manager uses', '/api2/json/auto-install/answer', {}, false],
    ['the bearer token of the mode file only', '/answer', { bearer: true }, true],
  ])('%s', async (_, path, { bearer }: { bearer?: boolean }, withToken) => {
    await start()
    await rig.bring('booting')
    const reply = await post({ path, headers: bearer ? { authorization: `Bearer ${rig.token('bearer')}` } : {} })
    expect(reply.status).toBe(200)
    expect((await rig.registry.timeline(rig.node1.id, 0, 100)).at(-1)).toMatchObject({ withToken })
  })

  test('the same machine again before its report: the same answer', async () => {
    await start()
    await rig.bring('booting')
    const [first, second] = [await post(), await post()]
    expect([second.status, second.text]).toEqual([200, first.text])
  })

  test('a layer that is edited counts at once', async () => {
    await start()
    await rig.bring('booting')
    await writeFile(join(rig.folder, 'answers', 'base.toml'), LAYER.replace('"at"', '"de"'))
    expect(parse((await post()).text)).toMatchObject({ global: { country: 'de' } })
  })

  test('L10 the answer is neither in the log nor on the timeline', async () => {
    await start()
    await rig.bring('booting')
    await post()
    const everything = rig.log.lines.join() + JSON.stringify(await rig.registry.timeline(rig.node1.id, 0, 100))
    for (const secret of [
      '$6$salt',
      rig.token('answer'),
      rig.token('webhook'),
      rig.token('first-boot'),
      rig.token('bearer'),
    ])
      expect(everything).not.toContain(secret)
  })
})

describe('L09 refusals', () => {
  test.each([
    ['held', 403, 'not-approved'],
    ['installed', 409, 'already-installed'],
    ['failed', 409, 'not-booting'],
    ['blocked', 403, 'blocked'],
  ] as const)('%s', async (state, status, reason) => {
    await start()
    await rig.bring(state)
    await expectRefusal(await post({ path: '/answer' }), status, reason)
    expect(await rig.registry.timeline(rig.node1.id, 0, 100).then(events => events.at(-1))).toMatchObject({
      type: 'answer-refused',
      reason,
      address: HERE,
    })
    expect(rig.node1.state).toBe(state)
  })

  test.each([
    ['a guessed token', { path: '/answer/AAAAAAAAAAAAAAAAAAAAAAAAAAA' }, 403, 'unknown-token'],
    ['the webhook’s token', 'webhook', 403, 'unknown-token'],
    [
      'a guessed bearer token',
      { path: '/answer', headers: { authorization: 'Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAA' } },
      403,
      'unknown-token',
    ],
    ['from another address', { from: ELSEWHERE }, 403, 'address-mismatch'],
    ['another machine’s NICs', { body: { network_interfaces: [{ mac: STRANGER }] } }, 403, 'mac-mismatch'],
    ['no NIC', { body: {} }, 403, 'mac-mismatch'],
    [
      'another serial number than at boot',
      { body: { ...INSTALLERS['9.2'].body, dmi: { system: { serial: 'OTHER1' } } } },
      403,
      'serial-mismatch',
    ],
  ] as [string, Post | 'webhook', number, string][])('%s', async (_, given, status, reason) => {
    await start()
    await rig.bring('booting')
    await rig.registry.sight({ macs: [NODE1], serial: '7K2QX93' }, 'http')
    await expectRefusal(
      await post(given === 'webhook' ? { path: `/answer/${rig.token('webhook')}` } : given),
      status,
      reason,
    )
    expect(rig.node1.state).toBe('booting')
  })

  test('the token of an attempt that is over', async () => {
    await start()
    await rig.bring('booting')
    const path = `/answer/${rig.token('answer')}`
    await rig.approve(true)
    await expectRefusal(await post({ path }), 403, 'unknown-token')
  })

  test('a machine that asks through its other NIC is served by its bearer token, and may report from there', async () => {
    await start()
    await rig.bring('booting')
    rig.holders.set(ELSEWHERE, SECOND_NIC as Mac)
    await expectRefusal(await post({ from: ELSEWHERE }), 403, 'address-mismatch')
    const headers = { authorization: `Bearer ${rig.token('bearer')}` }
    expect((await post({ from: ELSEWHERE, headers })).status).toBe(200)
    expect([rig.node1.state, rig.node1.macs]).toEqual(['installing', [NODE1, SECOND_NIC]])
    const report = await rig.tls(`/webhook/${rig.token('webhook')}`, { method: 'POST', from: ELSEWHERE, body: '{}' })
    expect([report.status, rig.node1.state]).toEqual([200, 'installed'])
  })

  test('a machine that nobody knows is held once it has asked, so that somebody can approve it', async () => {
    await start()
    rig.holders.set(ELSEWHERE, STRANGER)
    const body = { network_interfaces: [{ mac: STRANGER }] }
    await expectRefusal(await post({ path: '/answer', from: ELSEWHERE, body }), 403, 'not-approved')
    expect(rig.registry.byMac(STRANGER)?.state).toBe('held')
  })

  test('nobody becomes known by posting a MAC that it does not lease', async () => {
    await start()
    rig.holders.set(ELSEWHERE, NODE2)
    const body = { network_interfaces: [{ mac: STRANGER }] }
    await expectRefusal(await post({ path: '/answer', from: ELSEWHERE, body }), 404, 'unknown-machine')
    expect(rig.registry.byMac(STRANGER)).toBeUndefined()
    expect(rig.log.of('warn')).toEqual(['warn refused an answer: no posted MAC is known'])
  })

  test('an answer that is not valid says what is wrong with it, and the attempt has failed', async () => {
    await start()
    await rig.bring('booting')
    await writeFile(join(rig.folder, 'answers', 'base.toml'), LAYER.replace('"en-us"', '"klingon"'))
    await expectRefusal(await post(), 409, 'no valid answer for node1')
    expect([rig.node1.state, rig.node1.reason?.startsWith('error: global.keyboard: ')]).toEqual(['failed', true])
  })
})

test('what is wrong is told without what is merely left out', async () => {
  await start({ releases: ['8.2'], iso: 'pve:8.2' })
  await rig.bring('booting')
  const reply = await post({ body: INSTALLERS['8.2'].body })
  expect(reply.text).toMatch(
    /^Rackrise: no valid answer for node1: error: global has neither of root-password and root-password-hashed; [^|]*\n$/,
  )
})

describe('what is posted must not choose whose answer it is', () => {
  const TWO = `[[machine]]\nname = "node2"\nmac = ["${NODE2}"]\nprofile = "pve"\nanswers = ["secret"]\n`

  test('another machine’s MAC, posted first: its own answer, and the other MAC stays where it is', async () => {
    await start({ more: TWO })
    await writeFile(join(rig.folder, 'answers', 'secret.toml'), '[global]\nmailto = "node2@rack.test"\n')
    await writeFile(join(rig.folder, 'answers', `${NODE2.replaceAll(':', '-')}.toml`), '[global]\ncountry = "ch"\n')
    await rig.bring('booting')
    const body = { ...INSTALLERS['9.2'].body, network_interfaces: [{ mac: NODE2 }, { mac: NODE1 }] }
    // A body that fits two listed machines holds the one that asks; whoever approves it after that has seen both.
    await expectRefusal(await post({ body }), 409, 'identity-conflict')
    expect([rig.node1.state, rig.node1.reason]).toEqual([
      'held',
      `it claims MAC ${NODE2} of ${NODE2}: one machine under two names, or two with one identity`,
    ])
    await rig.approve()
    const reply = await post({ body })
    expect(parse(reply.text)).toMatchObject({
      global: { fqdn: 'node1.rack.test', mailto: 'root@rack.test', country: 'at' },
    })
    expect([rig.node1.macs, rig.registry.byMac(NODE2)?.id]).toEqual([[NODE1], NODE2])
  })

  test('a file named by its second NIC is its last layer', async () => {
    await start()
    await writeFile(
      join(rig.folder, 'answers', `${SECOND_NIC.replaceAll(':', '-').toUpperCase()}.toml`),
      '[global]\ncountry = "ch"\n',
    )
    await rig.bring('booting')
    expect(parse((await post()).text)).toMatchObject({ global: { country: 'ch' } })
    expect(rig.node1.macs).toEqual([NODE1, SECOND_NIC])
  })
})

describe('bodies', () => {
  test.each([
    ['empty', '', 400],
    ['malformed', '{"iso":', 400],
    ['a list', '[]', 400],
    ['too deep', `{"a":${'['.repeat(30)}${']'.repeat(30)}}`, 400],
    ['one octet more than 64 KiB', ' '.repeat(64 * 1024 + 1), 413],
  ])('%s', async (_, body, status) => {
    await start()
    await rig.bring('booting')
    const reply = await post({ body })
    expect([reply.status, reply.headers['content-type']]).toEqual([status, 'text/plain; charset=utf-8'])
    expect(reply.text).toMatch(/^[^\n]+; [^\n]+\n$/)
    expect(rig.node1.state).toBe('booting')
  })

  test('exactly 64 KiB is read', async () => {
    await start()
    await rig.bring('booting')
    const text = JSON.stringify(INSTALLERS['9.2'].body)
    expect((await post({ body: text.padEnd(64 * 1024) })).status).toBe(200)
  })

  test('a POST that has no body and says so', async () => {
    await start()
    await rig.bring('booting')
    expect((await rig.tls('/answer', { method: 'POST', headers: { 'content-length': '0' } })).status).toBe(400)
  })
})

test('an answer that cannot be kept is not sent', async () => {
  await start()
  await rig.bring('booting')
  const { registry } = rig
  const record = registry.record.bind(registry)
  registry.record = (id, fact, source) =>
    fact.type === 'answer-served' ? Promise.reject(new Error('disk full')) : record(id, fact, source)
  const reply = await post()
  expect([reply.status, reply.text]).toEqual([500, 'this appliance failed to answer; see its log\n'])
  expect(rig.log.of('error')).toEqual(['error a request failed'])
})
