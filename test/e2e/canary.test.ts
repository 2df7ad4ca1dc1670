/** No secret gets out: recognisable ones are planted wherever one can come in, and looked for in everything that goes out or is kept. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, request as plainRequest, type Server } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { runCommand } from '../../services/cli/run.ts'
import { askText } from '../../services/console/remote-fleet.ts'
import { systemClock } from '../../services/kit/clock.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { runSimulatedRack } from '../../services/lab/run-rack.ts'
import type { Lab } from '../../services/lab/session.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import { attemptToken } from '../../services/machine/secrets.ts'
import { plantUsers, visitConsole } from './canary-console.ts'
import {
  type Canary,
  found,
  foundInFiles,
  openToOthers,
  plantLayers,
  plantSite,
  planted,
  RECEIVER,
  SECRETS,
} from './canary-secrets.ts'
import { withLab } from './rig.ts'

const ROOT = join(import.meta.dirname, '../..')
const APPLIANCE = '10.77.0.1'
const LIMIT_MS = 90_000
const PURPOSES = ['answer', 'webhook', 'first-boot', 'bearer'] as const

type Ask = { path: string; from: string; method?: string; headers?: Record<string, string>; body?: string }

/** As a machine asks, over TLS if not said otherwise; resolves with what it reads. */
function ask({ path, from, method = 'POST', headers = {}, body }: Ask, port = 443): Promise<string> {
  const options = { host: APPLIANCE, port, path, method, headers, localAddress: from, rejectUnauthorized: false }
  return new Promise((resolve, reject) => {
    const call = (port === 443 ? tlsRequest : plainRequest)(
      options,
      response => void text(response).then(resolve, reject),
    )
    call.on('error', reject)
    call.end(body)
  })
}

/** The automation of the site: fails first, and says too much of why. Keeps what came, to see that it did. */
async function receiver(): Promise<{ taken: string[]; server: Server }> {
  const taken: string[] = []
  let failures = 1
  const server = createServer((call, response) => {
    void text(call).then(body => {
      response.statusCode = failures-- > 0 ? 500 : 200
      if (response.statusCode === 200) taken.push(body)
      response.statusMessage = SECRETS.receiver
      response.end(SECRETS.receiver)
    })
  })
  await new Promise<void>(resolve => server.listen(RECEIVER.port, RECEIVER.address, resolve))
  return { taken, server }
}

/** A command in this process: seventy of their own would take minutes. */
async function rackrise(lab: Lab, ...words: string[]): Promise<{ status: number; said: string; out: string }> {
  let [out, complaint] = ['', '']
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(part => ((out += String(part)), true)),
    vi.spyOn(process.stderr, 'write').mockImplementation(part => ((complaint += String(part)), true)),
  ]
  try {
    const status = await runCommand([...words, '--config', lab.siteFile])
    return { status, said: `${out}${complaint}`, out }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** The rack from power-on to the end, then whatever somebody on the wire may try, with secrets in all of it. */
async function live(lab: Lab, machines: ReturnType<typeof planMachines>): Promise<void> {
  const signal = new AbortController().signal
  await runSimulatedRack({ lab, machines, clock: systemClock, signal, display: { show() {} } })
  const views = await lab.fleet.list()
  const [node1, , , , , , held] = views
  const from = held!.address!
  const auth = { authorization: `Bearer ${SECRETS.bearer}` }
  const body = JSON.stringify({
    product: { product: 'pve' },
    iso: { release: '9.2' },
    network_interfaces: [{ link: 'eth0', mac: held!.macs[0] }],
    token: SECRETS.informed,
    oem: { 'root-password': SECRETS.informed, nested: [{ api_token: SECRETS.informed }] },
  })
  expect(await ask({ path: '/answer', from, body })).toContain('not-approved')
  expect(await ask({ path: '/answer', from, body, headers: auth })).toContain('unknown-token')
  await ask({ path: '/answer', from, body, headers: { authorization: `Basic ${SECRETS.basic}` } })
  await ask({ path: '/answer', from, body, headers: { authorization: `Bearer ${SECRETS.siteToken}` } })
  await ask({ path: `/answer/${SECRETS.urlToken}`, from, body })
  await ask({ path: '/answer', from, body: `{"password":"${SECRETS.informed}` })
  await ask({ path: `/webhook/${SECRETS.urlToken}`, from, body: '{}' })
  await ask({ path: `/first-boot/${SECRETS.urlToken}`, from, method: 'GET' })
  for (const path of [
    `/${SECRETS.path}`,
    `/%zz${SECRETS.path}`,
    `/boot/${SECRETS.path}/vmlinuz`,
    `/isos/${SECRETS.path}/x`,
  ])
    await ask({ path, from, method: 'GET', headers: auth }, 80)
  await ask({ path: `/boot.ipxe?mac=${held!.macs[0]}&password=${SECRETS.query}`, from, method: 'GET' }, 80)
  const key = readFileSync(join(lab.folder, 'state/secret.key'))
  const reportTo = attemptToken(key, node1!.attempt!.id as AttemptId, 'webhook')
  const report = JSON.stringify({
    fqdn: 'node1.rack.test',
    secret: SECRETS.reported,
    disks: [{ password: SECRETS.reported }],
  })
  expect(await ask({ path: `/webhook/${reportTo}`, from: node1!.address!, body: report })).toBe('thank you\n')
}

/** Secrets that the appliance made itself: tokens of every attempt, its keys. */
async function madeSecrets(lab: Lab): Promise<{ tokens: Canary[]; keys: Canary[] }> {
  const state = join(lab.folder, 'state')
  const key = readFileSync(join(state, 'secret.key'))
  const attempts = (await lab.fleet.list()).flatMap(({ name, attempt }) => (attempt ? [{ name, id: attempt.id }] : []))
  const tokens = attempts.flatMap(({ name, id }) =>
    PURPOSES.map(purpose => [`${purpose} token of ${name}`, attemptToken(key, id as AttemptId, purpose)] as const),
  )
  const pem = readFileSync(join(state, 'tls-key.pem'), 'utf8').split('\n')[2]!
  const keys: Canary[] = [
    ['the appliance’s key', key.toString('hex')],
    ['the appliance’s key', key.toString('base64')],
    ['the appliance’s key', key.toString('latin1')],
    ['the certificate’s key', pem],
  ]
  return { tokens, keys }
}

const SHOWN: string[][] = [
  ['machine', 'list'],
  ...['node1', 'node2', 'node4', 'node6', 'node7'].flatMap(name => [
    ['machine', 'show', name],
    ['machine', 'timeline', name],
    ['machine', 'devices', name],
    ['explain', name],
    ['answer', 'render', name],
  ]),
  ...['ansible', 'known-hosts', 'json'].map(format => ['inventory', '--format', format]),
  ...[['lease', 'list'], ['alarm', 'list'], ['webhook', 'list'], ['iso', 'list'], ['metrics'], ['check']],
]

const ROUTES = [
  ...['/metrics', '/healthz', '/api/v1/metrics', '/api/v1/machines', '/api/v1/leases', '/api/v1/isos'],
  ...['/api/v1/alarms', '/api/v1/webhooks', '/api/v1/appliance', '/api/v1/rules', '/api/v1/layers', '/api/v1/check'],
  ...['node1', 'node2', 'node3', 'node4', 'node5', 'node6', 'node7'].flatMap(name =>
    ['', '/timeline', '/explanation', '/devices'].map(what => `/api/v1/machines/${name}${what}`),
  ),
]

test('T14 no secret is in a log, a timeline, the API, metrics, an inventory or the database', {
  timeout: LIMIT_MS,
}, async () => {
  const planting = mkdtempSync(join(tmpdir(), 'rackrise-canary-'))
  const machines = planMachines(7, 'mixed', true).map((machine, at) => ({ ...machine, approve: at < 6 }))
  const [base, disk] = ['base', 'lab-disk'].map(name => readFileSync(join(ROOT, `answers/${name}.toml`), 'utf8'))
  const answers = join(planting, 'answers')
  plantLayers(answers, base!, disk!, machines)
  const more = `${plantSite(planting)}${await plantUsers(planting)}`
  const { taken, server } = await receiver()
  try {
    await withLab({ kind: 'simulated', machines, answers, more }, async ({ lab }) => {
      await live(lab, machines)
      const states = (await lab.fleet.list()).map(({ state }) => state)
      expect(states).toEqual(['installed', 'installed', 'installed', 'failed', 'failed', 'failed', 'held'])
      const state = join(lab.folder, 'state')
      const { tokens, keys } = await madeSecrets(lab)
      const backup = join(planting, 'rack.backup')
      expect((await rackrise(lab, 'backup', backup)).status).toBe(0)
      const shown = await rackrise(lab, 'machine', 'password', 'node1')
      expect(shown.status).toBe(0)
      const password: Canary = ['the random password', shown.out.trim()]
      const link = await rackrise(lab, 'console', 'link', '--role', 'viewer')
      const visit = await visitConsole(link.out.trim().split('#link=')[1]!)
      expect(visit.signedIn).toBe(2)
      const all = [...planted(), ...tokens, ...keys, password, ...visit.canaries]

      const out: string[] = []
      for (const words of SHOWN)
        for (const more of [[], ['--json']]) {
          const { said } = await rackrise(lab, ...words, ...more)
          expect(said).not.toBe('')
          out.push(...found(said, all).map(name => `${name} in ${words.join(' ')} ${more.join()}`))
        }
      const socket = { path: join(state, 'control.sock'), user: 'anna' }
      for (const route of ROUTES)
        out.push(...found(await askText(socket, route), all).map(name => `${name} in ${route}`))
      expect(visit.told.length).toBeGreaterThan(20)
      for (const [route, said] of visit.told)
        out.push(...found(said, all).map(name => `${name} in ${route} of a viewer`))
      expect.soft(out).toEqual([])

      expect(taken.length).toBeGreaterThan(0)
      expect.soft(found(taken.join('\n'), all), 'in a message to the site’s automation').toEqual([])
      expect.soft(found(readFileSync(join(lab.folder, 'appliance.log'), 'utf8'), all), 'in the log').toEqual([])
      // Each of these is a secret.
      const kept = ['secret.key', 'tls-key.pem', 'tls-served.pem']
      expect.soft(foundInFiles(state, all, kept)).toEqual([])
      expect.soft(openToOthers(state)).toEqual([])
      // A backup is for an appliance to go on with: it has the keys, and no password and no token.
      expect(statSync(backup).mode & 0o777).toBe(0o600)
      const inBackup = readFileSync(backup, 'latin1')
      expect.soft(found(inBackup, [...planted(), ...tokens, ...visit.canaries, password]), 'in a backup').toEqual([])
      expect(new Set(found(inBackup, keys))).toEqual(new Set(['the appliance’s key', 'the certificate’s key']))
      const limits = readFileSync(`/proc/${lab.appliance.pid}/limits`, 'utf8')
      expect(limits).toMatch(/^Max core file size\s+0\s+0\s/m)
    })
  } finally {
    server.closeAllConnections()
    server.close()
    rmSync(planting, { recursive: true, force: true })
  }
})
