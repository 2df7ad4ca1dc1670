import { connect } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { generate } from 'selfsigned'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openConsole } from '../../services/console/server.ts'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import { siteOf } from '../machine/rig.ts'
import { addThings, Listener, PASSWORD, TOKENS } from './listener-rig.ts'

let listener: Listener

afterEach(() => listener.close())

const ANNA = { name: 'anna', password: PASSWORD }
const BEN = { name: 'ben', password: PASSWORD }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('over loopback', () => {
  beforeEach(async () => {
    listener = await Listener.open({})
  })
  const ask: Listener['ask'] = (...asked) => listener.ask(...asked)
  const reasons = () => listener.meter.read('rackrise_console_access_total')

  test('L13 nobody gets anything but the page and the sign-in', async () => {
    const { status, headers, json } = await ask('GET', '/api/v1/things')
    expect([status, headers['content-type'], headers['www-authenticate'], json]).toEqual([
      401,
      'application/problem+json',
      'Bearer',
      {
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        code: 'not-signed-in',
        detail: 'this needs a sign-in',
        hint: 'sign in, or send a token: `Authorization: Bearer …`',
        severity: 'error',
      },
    ])
    expect((await ask('POST', '/api/v1/things')).status).toBe(401)
    expect([(await ask('GET', '/')).text, (await ask('GET', '/nothing')).status]).toEqual(['the page', 404])
  })

  test('signing in, asking, changing and signing out', async () => {
    const { cookie, csrf, setCookie } = await listener.signIn(ANNA)
    expect(setCookie).toMatch(/^rackrise-[\da-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
    const session = await ask('GET', '/api/v1/session', { headers: { cookie } })
    expect(session.json).toEqual({
      user: { name: 'anna', role: 'operator' },
      csrf,
      expiresAt: '2026-11-26T14:00:00.000Z',
    })
    expect((await ask('GET', '/api/v1/things', { headers: { cookie } })).json).toEqual({ by: 'anna' })
    const change = await ask('POST', '/api/v1/things', { headers: { cookie, 'x-csrf-token': csrf } })
    expect(change.json).toEqual({ by: 'anna' })
    const out = await ask('DELETE', '/api/v1/session', { headers: { cookie, 'x-csrf-token': csrf } })
    expect([out.status, out.headers['set-cookie']?.[0]]).toEqual([
      204,
      expect.stringMatching(
        /^rackrise-[\da-f]{8}=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Strict$/,
      ),
    ])
    expect((await ask('GET', '/api/v1/things', { headers: { cookie } })).json['code']).toBe('not-signed-in')
  })

  test('who signs in again leaves the session of before', async () => {
    const first = await listener.signIn(ANNA)
    await ask('POST', '/api/v1/session', { headers: { cookie: first.cookie }, body: BEN })
    expect((await ask('GET', '/api/v1/things', { headers: { cookie: first.cookie } })).status).toBe(401)
  })

  test('L13 a change by cookie needs the token of its session', async () => {
    const { cookie } = await listener.signIn(ANNA)
    const other = await listener.signIn(ANNA)
    for (const csrf of [{}, { 'x-csrf-token': 'guess' }, { 'x-csrf-token': other.csrf }]) {
      const { status, json } = await ask('POST', '/api/v1/things', { headers: { cookie, ...csrf } })
      expect([status, json['code']]).toEqual([403, 'csrf-refused'])
    }
    const out = await ask('DELETE', '/api/v1/session', { headers: { cookie } })
    expect([out.status, (await ask('GET', '/api/v1/things', { headers: { cookie } })).status]).toEqual([403, 200])
  })

  test('L13 another site changes nothing, and does not sign anybody in', async () => {
    const { cookie, csrf } = await listener.signIn(ANNA)
    const whole = { cookie, 'x-csrf-token': csrf }
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      const { status, json } = await ask('POST', '/api/v1/things', { headers: { ...whole, ...headers } })
      expect([status, json['code']]).toEqual([403, 'cross-site'])
      expect((await ask('POST', '/api/v1/session', { headers, body: ANNA })).json['code']).toBe('cross-site')
    }
    // What a form can send without asking first.
    const form = await ask('POST', '/api/v1/session', { headers: { 'content-type': 'text/plain' }, body: ANNA })
    expect(form.status).toBe(415)
  })

  test('L13 DNS rebinding: a host that is not ours gets nothing, not even the page', async () => {
    const { cookie } = await listener.signIn(ANNA)
    for (const path of ['/', '/api/v1/things', '/api/v1/session', '/nothing']) {
      const { status, json } = await ask('GET', path, { headers: { host: 'evil.example:8300', cookie } })
      expect([status, json['code']]).toEqual([421, 'foreign-host'])
    }
    expect((await ask('GET', '/api/v1/things', { headers: { host: 'localhost:9000', cookie } })).status).toBe(200)
  })

  test('L12 the page is held to its own files', async () => {
    const { headers } = await ask('GET', '/')
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'",
    )
    expect([headers['x-frame-options'], headers['x-content-type-options'], headers['referrer-policy']]).toEqual([
      'DENY',
      'nosniff',
      'no-referrer',
    ])
    expect(headers['strict-transport-security']).toBeUndefined()
    const refused = await ask('GET', '/api/v1/things', { headers: { host: 'evil.example' } })
    expect(refused.headers['content-security-policy']).toBe(headers['content-security-policy'])
  })

  test('L13 a viewer looks, and is told which role a change needs', async () => {
    const { cookie, csrf } = await listener.signIn(BEN)
    const headers = { cookie, 'x-csrf-token': csrf }
    expect((await ask('GET', '/api/v1/things', { headers })).status).toBe(200)
    for (const [method, path] of [
      ['POST', '/api/v1/things'],
      ['GET', '/api/v1/secrets'],
    ] as const) {
      const { status, json } = await ask(method, path, { headers })
      expect([status, json['code'], json['detail'], json['role']]).toEqual([
        403,
        'not-allowed',
        'this needs the role operator',
        'operator',
      ])
    }
  })

  test('tokens: what they may, when they end, and no cookie beside them', async () => {
    expect((await ask('POST', '/api/v1/things', { headers: bearer(TOKENS.ci) })).json).toEqual({ by: 'ci' })
    const viewer = await ask('POST', '/api/v1/things', { headers: bearer(TOKENS.grafana) })
    expect([viewer.status, viewer.json['code']]).toEqual([403, 'not-allowed'])
    expect((await ask('GET', '/api/v1/things', { headers: bearer(TOKENS.old) })).status).toBe(200)
    listener.clock.advance(30 * 60_000)
    expect((await ask('GET', '/api/v1/things', { headers: bearer(TOKENS.old) })).json['code']).toBe('token-expired')
    const { cookie } = await listener.signIn(ANNA)
    const both = await ask('GET', '/api/v1/things', { headers: { cookie, ...bearer('rackrise_guess') } })
    expect([both.status, both.json['code']]).toEqual([401, 'token-refused'])
    expect(listener.log.lines.filter(({ reason }) => reason === 'token-change')).toEqual([
      {
        level: 'info',
        message: 'a token changes something',
        reason: 'token-change',
        from: '127.0.0.1',
        method: 'POST',
        route: '/api/v1/things',
        user: 'ci',
      },
    ])
  })

  test('a wrong password and a wrong name are told the same, and the log tells them apart', async () => {
    const [wrong, unknown] = [
      await ask('POST', '/api/v1/session', { body: { ...ANNA, password: 'a rack of six servers' } }),
      await ask('POST', '/api/v1/session', { body: { name: 'a rack of seven', password: PASSWORD } }),
    ]
    expect(wrong.json).toEqual(unknown.json)
    expect([wrong.status, wrong.json['code']]).toEqual([401, 'sign-in-refused'])
    expect(reasons()).toEqual({
      'rackrise_console_access_total{reason="wrong-password"}': 1,
      'rackrise_console_access_total{reason="unknown-user"}': 1,
    })
    // A name that nobody has may be a password in the wrong field.
    expect(JSON.stringify(listener.log.lines)).not.toContain('seven')
    expect(listener.log.lines.map(({ reason, user, from }) => [reason, user, from])).toEqual([
      ['users-read', undefined, undefined],
      ['wrong-password', 'anna', '127.0.0.1'],
      ['unknown-user', undefined, '127.0.0.1'],
    ])
  })

  test('who tries too often waits', async () => {
    for (let count = 0; count < 10; count += 1)
      expect((await ask('POST', '/api/v1/session', { body: { link: `guess ${count}` } })).json['code']).toBe(
        'link-refused',
      )
    const { status, headers, json } = await ask('POST', '/api/v1/session', { body: ANNA })
    expect([status, headers['retry-after'], json['code']]).toEqual([429, '20', 'too-many-tries'])
  })

  test('nonsense is told what is expected', async () => {
    for (const body of [{}, { name: 'anna' }, { ...ANNA, link: 'x' }, { name: 'x'.repeat(65), password: '' }, [], 7])
      expect((await ask('POST', '/api/v1/session', { body })).status).toBe(400)
  })

  test('an expired session', async () => {
    const { cookie } = await listener.signIn(ANNA)
    listener.clock.advance(2 * 3_600_000)
    expect((await ask('GET', '/api/v1/things', { headers: { cookie } })).json['code']).toBe('not-signed-in')
    expect(reasons()).toMatchObject({ 'rackrise_console_access_total{reason="session-over"}': 1 })
  })

  test.each<[string, (text: string) => string]>([
    ['removed', text => text.replace(/\[\[user\]\]\nname = "anna"[^[]*/, '')],
    ['a viewer now', text => text.replace('"operator"', '"viewer"')],
    ['somebody with another password', text => text.replace('AQEBAQ', 'AQEBAg')],
  ])('a user who is %s is signed out, and what streams to him is cut', async (_, change) => {
    const { cookie } = await listener.signIn(ANNA)
    const other = await listener.signIn(BEN)
    const stream = ask('GET', '/api/v1/stream', { headers: { cookie } }).catch(() => 'cut')
    await listener.pass(0)
    await listener.writeUsers(change)
    await listener.pass(2_000)
    expect(await stream).toBe('cut')
    expect((await ask('GET', '/api/v1/things', { headers: { cookie } })).status).toBe(401)
    expect((await ask('GET', '/api/v1/things', { headers: { cookie: other.cookie } })).status).toBe(200)
  })

  test('a stream ends with its token', async () => {
    const stream = ask('GET', '/api/v1/stream', { headers: bearer(TOKENS.old) }).catch(() => 'cut')
    await listener.pass(0)
    await listener.pass(30 * 60_000)
    expect(await stream).toBe('cut')
  })

  test('a link is good once, and its session bears the name of who asked for it', async () => {
    const { url, expiresAt } = listener.console.makeLink('viewer', 'anna (sudo)')
    expect([url.startsWith(`${listener.console.url}#link=`), expiresAt]).toEqual([true, '2026-11-26T12:15:00.000Z'])
    const link = url.split('#link=')[1]!
    const { cookie } = await listener.signIn({ link })
    const { json } = await ask('GET', '/api/v1/session', { headers: { cookie } })
    expect(json['user']).toEqual({ name: 'anna (sudo)', role: 'viewer' })
    const again = await ask('POST', '/api/v1/session', { body: { link } })
    expect([again.status, again.json['code']]).toEqual([401, 'link-refused'])
    expect(JSON.stringify(listener.log.lines)).not.toContain(link)
  })

  test('an old link', async () => {
    const link = listener.console.makeLink('operator', 'anna').url.split('#link=')[1]!
    listener.clock.advance(15 * 60_000)
    expect((await ask('POST', '/api/v1/session', { body: { link } })).json['code']).toBe('link-refused')
  })

  test('a port that is taken is one line', async () => {
    const { port } = new URL(listener.console.url)
    const { clock, log, alarms } = listener
    const site = { ...siteOf(), console: { host: '127.0.0.1', port: Number(port) } }
    const meter = new (await import('../fake/meter.ts')).FakeMeter()
    const certificate = { current: { cert: '', key: '' }, serveWith: () => {} }
    const second = openConsole({ site, version: '', certificate, alarms, clock, log, meter, addRoutes: addThings })
    await expect(second).rejects.toThrow(EnvironmentProblem)
    await expect(second).rejects.toThrow(
      `can't listen on 127.0.0.1:${port} for the console: something else listens there; see \`ss -ltnp sport = :${port}\` for what, or set console.listen to another port`,
    )
  })
})

describe('without users', () => {
  beforeEach(async () => {
    listener = await Listener.open({ users: false })
  })

  test('a link is the way in, and who asks is told so', async () => {
    const { status, json } = await listener.ask('GET', '/api/v1/session')
    expect([status, json['code'], json['canLink'], listener.console.hasNoUsers]).toEqual([
      401,
      'not-signed-in',
      true,
      true,
    ])
    await listener.writeUsers()
    await listener.pass(2_000)
    expect((await listener.ask('GET', '/api/v1/session')).json['canLink']).toBe(false)
  })

  test('no name and no password is anybody’s', async () => {
    const { json } = await listener.ask('POST', '/api/v1/session', { body: { name: 'anna', password: '' } })
    expect(json['code']).toBe('sign-in-refused')
  })
})

describe('off loopback', () => {
  beforeEach(async () => {
    listener = await Listener.open({ host: '0.0.0.0' })
  })

  test('TLS only, with a cookie that never leaves it', async () => {
    expect(listener.console.url).toMatch(/^https:\/\/10\.77\.0\.1:\d+\/$/)
    const { cookie, setCookie } = await listener.signIn(ANNA)
    expect(setCookie).toMatch(/^__Host-rackrise-[\da-f]{8}=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    expect((await listener.ask('GET', '/api/v1/things', { headers: { cookie } })).json).toEqual({ by: 'anna' })
  })

  test('a new certificate is served without a restart', async () => {
    const served = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const port = Number(new URL(listener.console.url).port)
        const socket = connectSecure({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN))
          socket.destroy()
        })
        socket.on('error', reject)
      })
    const before = await served()
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'renewed' }])
    listener.tls!.setSecureContext({ cert, key })
    expect([before, await served()]).toEqual(['rack', 'renewed'])
  })

  test('plain HTTP is not answered', async () => {
    const { port } = new URL(listener.console.url)
    const heard = await new Promise<string>(resolve => {
      let all = ''
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'))
      socket.on('data', part => (all += part.toString('latin1')))
      socket.on('error', () => {})
      socket.on('close', () => resolve(all))
    })
    expect(heard).not.toContain('HTTP/1.1 200')
  })

  test('names of the certificate are ours, others are not', async () => {
    const status = async (host: string): Promise<number> =>
      (await listener.ask('GET', '/', { headers: { host } })).status
    expect([await status('deploy.rack.test:8300'), await status('10.77.0.1'), await status('evil.example')]).toEqual([
      200, 200, 421,
    ])
  })

  test('an old browser’s page is https, too', async () => {
    const { cookie, csrf } = await listener.signIn(ANNA)
    const host = '10.77.0.1:8300'
    const status = async (origin: string): Promise<number> =>
      (await listener.ask('POST', '/api/v1/things', { headers: { cookie, 'x-csrf-token': csrf, host, origin } })).status
    expect([await status('https://10.77.0.1:8300'), await status('http://10.77.0.1:8300')]).toEqual([200, 403])
  })
})
