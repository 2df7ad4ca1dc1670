/** The console's listener, asked by real HTTP over loopback, with users on disk and a clock that tests move. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { tmpdir } from 'node:os'
import type { Server } from 'node:tls'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { z } from 'zod'
import type { ConsoleApp } from '../../services/console/app.ts'
import { formatPasswordHash, hashPassword } from '../../services/console/password-hash.ts'
import { type Console, openConsole } from '../../services/console/server.ts'
import { hashOfToken, tokenText } from '../../services/console/users.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeMeter } from '../fake/meter.ts'
import type { Log, LogFields } from '../../services/kit/log.ts'
import { siteOf } from '../machine/rig.ts'

export const PASSWORD = 'a rack of seven servers'
const CHEAP = { ln: 10, r: 1, p: 1 }
const HASH = formatPasswordHash(await hashPassword(PASSWORD, CHEAP, Buffer.alloc(16, 1)))
const { cert, private: key } = await generate([{ name: 'commonName', value: 'rack' }], {
  extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'deploy.rack.test' }] }],
})

export const TOKENS = {
  ci: tokenText(new Uint8Array(32).fill(1)),
  grafana: tokenText(new Uint8Array(32).fill(2)),
  old: tokenText(new Uint8Array(32).fill(3)),
}

export type Reply = { status: number; headers: IncomingHttpHeaders; text: string; json: Record<string, unknown> }
export type Ask = { headers?: Record<string, string>; body?: unknown }

/** Signed in: what a browser would send with every request, and the token of the page. */
export type SignedIn = { cookie: string; csrf: string; setCookie: string }

const table = (kind: string, rows: Record<string, string>): string =>
  `[[${kind}]]\n${Object.entries(rows)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('')}`

const text = (value: string): string => JSON.stringify(value)

/** A thing to look at, one to change, and one for operators' eyes only. */
export function addThings(app: ConsoleApp): void {
  const schema = (operationId: string) => ({
    operationId,
    summary: 'a test',
    response: { 200: z.strictObject({ by: z.string() }) },
  })
  const by = { by: '' }
  app.get('/api/v1/things', { config: { role: 'viewer' }, schema: schema('getThings') }, async request => ({
    by: request.principal?.name ?? by.by,
  }))
  app.post('/api/v1/things', { config: { role: 'operator' }, schema: schema('postThings') }, async request => ({
    by: request.principal!.name,
  }))
  app.get('/api/v1/secrets', { config: { role: 'operator' }, schema: schema('getSecrets') }, async request => ({
    by: request.principal!.name,
  }))
  app.get('/api/v1/stream', { config: { role: 'viewer' }, schema: schema('getStream') }, async (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write(': hello\n\n')
    return reply
  })
  app.get('/', { config: { role: 'none' }, schema: { hide: true } }, async () => 'the page')
}

/** Lines with all their fields, in which a secret would be found. */
class FieldLog implements Log {
  readonly lines: (LogFields & { level: string; message: string })[] = []
  readonly #write = (level: string) => (fields: LogFields, message: string) => {
    this.lines.push({ ...fields, level, message })
  }
  readonly debug = this.#write('debug')
  readonly info = this.#write('info')
  readonly warn = this.#write('warn')
  readonly error = this.#write('error')
}

export class Listener {
  readonly clock = new FakeClock(Date.UTC(2026, 10, 26, 12))
  readonly log = new FieldLog()
  readonly meter = new FakeMeter()
  readonly alarms = new Alarms(this.clock)
  folder!: string
  usersFile!: string
  console!: Console
  /** What a new certificate is handed over to. */
  tls: Pick<Server, 'setSecureContext'> | undefined

  static async open(options: {
    host?: string
    users?: boolean
    addRoutes?: (app: ConsoleApp) => void
  }): Promise<Listener> {
    const listener = new Listener()
    const { host = '127.0.0.1', users = true, addRoutes = addThings } = options
    listener.folder = await mkdtemp(join(tmpdir(), 'rackrise-console-'))
    listener.usersFile = join(listener.folder, 'users.toml')
    if (users) await listener.writeUsers()
    const { clock, log, meter, alarms } = listener
    listener.console = await openConsole({
      ...{ clock, log, meter, alarms, addRoutes, version: '1.2.3', cost: CHEAP },
      site: { ...siteOf(), console: { host, port: 0, usersFile: listener.usersFile } },
      certificate: {
        current: { cert, key },
        serveWith(server) {
          listener.tls = server
          server.setSecureContext({ minVersion: 'TLSv1.2', cert, key })
        },
      },
    })
    return listener
  }

  async close(): Promise<void> {
    await this.console.close()
    await rm(this.folder, { recursive: true })
  }

  async writeUsers(change: (text: string) => string = same => same): Promise<void> {
    const hash = text(HASH)
    const users = [
      table('user', { name: text('anna'), role: text('operator'), 'password-hash': hash }),
      table('user', { name: text('ben'), role: text('viewer'), 'password-hash': hash }),
      ...Object.entries(TOKENS).map(([name, token]) =>
        table('token', {
          name: text(name),
          role: text(name === 'grafana' ? 'viewer' : 'operator'),
          'token-hash': text(`sha256:${hashOfToken(token)}`),
          ...(name === 'old' ? { expires: '2026-11-26T12:30:00Z' } : {}),
        }),
      ),
    ]
    await writeFile(this.usersFile, change(users.join('\n')), { mode: 0o600 })
  }

  /** The clock goes on, and what it started has been done: the file is read in real time. */
  async pass(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds)
    await new Promise(resolve => setTimeout(resolve, 50))
  }

  ask(method: string, path: string, { headers = {}, body }: Ask = {}): Promise<Reply> {
    const { port, protocol } = new URL(this.console.url)
    const ask = protocol === 'https:' ? secure : plain
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    return new Promise((resolve, reject) => {
      const call = ask(
        {
          host: '127.0.0.1',
          port,
          method,
          path,
          agent: false,
          rejectUnauthorized: false,
          headers: { ...json, ...headers },
        },
        response => {
          let all = ''
          response.setEncoding('utf8').on('data', (part: string) => (all += part))
          response.on('error', reject)
          response.on('end', () => {
            const isJson = /json/.test(response.headers['content-type'] ?? '')
            const { statusCode = 0, headers: got } = response
            resolve({ status: statusCode, headers: got, text: all, json: isJson ? JSON.parse(all) : {} })
          })
        },
      )
      call.on('error', reject)
      call.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  async signIn(body: object): Promise<SignedIn> {
    const { status, headers, json, text: said } = await this.ask('POST', '/api/v1/session', { body })
    if (status !== 200) throw new Error(`${status} ${said}`)
    const setCookie = headers['set-cookie']![0]!
    return { cookie: setCookie.split(';', 1)[0]!, csrf: json['csrf'] as string, setCookie }
  }
}
