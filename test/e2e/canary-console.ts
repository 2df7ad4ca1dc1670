/** The console under the eyes of the canaries: who may enter, what somebody types who may not, and everything that a viewer is told. */
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { formatPasswordHash, hashPassword } from '../../services/console/password-hash.ts'
import { hashOfToken, tokenText } from '../../services/console/users.ts'
import { type Canary, MARK } from './canary-secrets.ts'

const [HOST, PORT] = ['10.77.0.1', 8300]
/** Of nobody's machine. */
const DESK = '10.77.1.240'

const PASSWORD = `${MARK}-console-password`
const TOKEN = tokenText(Buffer.alloc(32, `${MARK}token`))
/** What people type into the wrong field, or guess. */
const TYPED = { name: `${MARK}-typed-as-a-name`, password: `${MARK}-wrong-password`, link: `${MARK}-wrong-link` }

/** Lines of the site file, for a users file with one viewer and one program. */
export async function plantUsers(folder: string): Promise<string> {
  const file = join(folder, 'users.toml')
  const hash = formatPasswordHash(await hashPassword(PASSWORD))
  const user = `[[user]]\nname = "anna"\nrole = "viewer"\npassword-hash = "${hash}"\n`
  const token = `[[token]]\nname = "grafana"\nrole = "viewer"\ntoken-hash = "sha256:${hashOfToken(TOKEN)}"\n`
  writeFileSync(file, `${user}\n${token}`, { mode: 0o600 })
  return `[console]\nlisten = "${HOST}:${PORT}"\nusers-file = "${file}"\n`
}

type Reply = { status: number; headers: IncomingHttpHeaders; text: string }

function ask(method: string, path: string, headers: Record<string, string> = {}, body?: object): Promise<Reply> {
  const all = { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) }
  const how = { host: HOST, port: PORT, method, path, headers: all, localAddress: DESK, rejectUnauthorized: false }
  return new Promise((resolve, reject) => {
    const call = request(how, response => {
      const { statusCode: status = 0, headers: said } = response
      text(response).then(told => resolve({ status, headers: said, text: told }), reject)
    })
    call.on('error', reject)
    call.end(body && JSON.stringify(body))
  })
}

type Visit = { canaries: Canary[]; told: [route: string, text: string][]; signedIn: number }

/** @param link the secret part of a one-time link */
export async function visitConsole(link: string): Promise<Visit> {
  const enter = (body: object): Promise<Reply> => ask('POST', '/api/v1/session', {}, body)
  const refused = [
    await enter({ name: TYPED.name, password: TYPED.password }),
    await enter({ name: 'anna', password: TYPED.password }),
    await enter({ link: TYPED.link }),
    await ask('GET', '/api/v1/machines', { authorization: `Bearer ${TYPED.link}` }),
    await ask('GET', `/api/v1/machines?search=${TYPED.link}`),
    await ask('POST', '/api/v1/orders', { authorization: `Bearer ${TOKEN}` }, { action: 'approve', machines: ['x'] }),
  ]
  const entered = [await enter({ name: 'anna', password: PASSWORD }), await enter({ link })]
  const cookies = entered.flatMap(({ headers }) => headers['set-cookie'] ?? []).map(cookie => cookie.split(/[=;]/)[1]!)
  const csrf = entered.flatMap(({ text: said }) => /"csrf":"([^"]+)"/.exec(said)?.[1] ?? [])
  const told = refused.map(({ status, text: said }) => [`refusal ${status}`, said] as [string, string])
  const bearer = { authorization: `Bearer ${TOKEN}` }
  const { paths } = JSON.parse((await ask('GET', '/api/v1/openapi.json', bearer)).text) as {
    paths: Record<string, object>
  }
  // A stream of events ends with its reader only.
  const routes = Object.keys(paths).filter(path => 'get' in paths[path]! && !path.endsWith('/events'))
  for (const route of routes)
    for (const name of route.includes('{') ? ['node1', 'node2', 'node4', 'node5', 'node7'] : [''])
      told.push([route, (await ask('GET', route.replaceAll(/\{\w+\}/g, name), bearer)).text])
  const named = (name: string, secrets: string[]): Canary[] => secrets.map(secret => [name, secret] as const)
  return {
    canaries: [
      ...[['the console password', PASSWORD] as const, ['the API token', TOKEN] as const, ['the link', link] as const],
      ...Object.entries(TYPED).map(([name, typed]) => [`the ${name} that was typed`, typed] as const),
      ...named('a session’s cookie', cookies),
      ...named('a session’s CSRF token', csrf),
    ],
    told,
    signedIn: entered.filter(({ status }) => status === 200).length,
  }
}
