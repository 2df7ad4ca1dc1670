/** Explanations and random passwords through the control socket, as the command line asks for them beside a running appliance. */
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Passwords } from '../../services/answer/passwords.ts'
import { urlsOf } from '../../services/boot/urls.ts'
import { localExplainer } from '../../services/console/explain.ts'
import { addExplainApi } from '../../services/console/explain-api.ts'
import { addPasswordApi } from '../../services/console/password-api.ts'
import { localPasswords } from '../../services/console/passwords.ts'
import { remoteExplainer } from '../../services/console/remote-explainer.ts'
import { remotePasswords } from '../../services/console/remote-passwords.ts'
import { closeConsoleApp } from '../../services/console/app.ts'
import { LAYER, socketApp } from './rig.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import { openStore, type Store } from '../../services/store/store.ts'
import { layersOf } from '../answer/samples.ts'
import { Fleet, KEY, NODE1, siteOf, STRANGER } from '../machine/rig.ts'

let folder: string
let socketPath: string
let rig: Fleet
let store: Store
let passwords: Passwords
let stop: () => Promise<void>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-explain-'))
  socketPath = join(folder, 'control.sock')
  rig = await Fleet.open(siteOf())
  store = await openStore(join(folder, 'state'))
  passwords = new Passwords({ store: store.passwords, key: KEY, clock: rig.clock })
  const { registry, site, clock } = rig
  const app = await socketApp(rig.log)
  const missing = { code: 'no-iso', message: 'no ISO', hint: 'put one there', severity: 'error' } as const
  const close = async (): Promise<void> => {}
  addExplainApi(
    app,
    localExplainer(
      {
        ...{ registry, site, clock, urls: urlsOf(site), fingerprint: () => undefined, passwords: store.passwords },
        documents: store.documents,
        catalogue: { find: () => missing },
        layers: async () => layersOf({ default: LAYER }),
      },
      close,
    ),
  )
  addPasswordApi(app, localPasswords(registry, passwords, close))
  await app.listen({ path: socketPath })
  stop = () => closeConsoleApp(app)
})

afterEach(async () => {
  await stop()
  await store.close()
  await rm(folder, { recursive: true })
})

function status(method: string, path: string, body?: string): Promise<[number | undefined, string | undefined]> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const call = request({ socketPath, method, path, headers, agent: false }, response => {
      response.resume().on('end', () => resolve([response.statusCode, response.headers['cache-control']]))
    })
    call.on('error', reject)
    call.end(body)
  })
}

test('explain by name, by a MAC that nobody has seen, and by a system information', async () => {
  const explainer = remoteExplainer({ path: socketPath, user: 'anna' })
  expect(await explainer.explain('node1')).toMatchObject({
    machine: { id: NODE1, name: 'node1', state: 'held' },
    answer: { layers: [{ name: 'default', why: 'nothing else is named' }] },
    problems: [{ code: 'no-iso' }],
    notes: [
      'its ISO is not there, so this is the answer for Proxmox VE 9.2',
      'there is no certificate yet; the appliance makes one when it starts',
    ],
  })
  expect(await explainer.explain(STRANGER)).toMatchObject({ machine: { seen: false } })
  const posted = new TextEncoder().encode(JSON.stringify({ network_interfaces: [{ mac: NODE1 }] }))
  expect(await explainer.explain(undefined, posted)).toMatchObject({ machine: { name: 'node1' } })
  expect(await explainer.explain(STRANGER, posted)).toMatchObject({
    machine: { id: STRANGER },
    conflicts: [{ name: 'node1', by: 'mac' }],
  })
  expect(await explainer.explain('node9')).toMatchObject({ code: 'unknown-machine' })
})

test('reveal: the secrets, and who saw them', async () => {
  const outcome = await remoteExplainer({ path: socketPath, user: 'anna' }).reveal('node1', 'anna')
  expect(outcome).toMatchObject({ answer: { toml: expect.stringContaining('"correct horse"') as string } })
  expect(rig.store.rows.at(-1)).toMatchObject({ machine: NODE1, type: 'answer-revealed', source: 'operator' })
  expect(JSON.stringify(await remoteExplainer({ path: socketPath, user: 'anna' }).explain('node1'))).not.toContain(
    'correct horse',
  )
})

test('a random password, once', async () => {
  const { id } = rig.machine(NODE1)
  const attempt = await rig.registry.startAttempt(rig.machine(NODE1), { by: 'operator', again: false })
  await passwords.hashFor(id, attempt as AttemptId)
  const served: { layers: string[]; sha256: string; leftOut: string[] } = { layers: [], sha256: '', leftOut: [] }
  await rig.happen(NODE1, {
    type: 'answer-served',
    attempt: attempt as AttemptId,
    address: '10.77.0.11',
    withToken: true,
    randomPassword: true,
    ...served,
  })
  const desk = remotePasswords({ path: socketPath, user: 'anna' })
  expect(await desk.show('node1', 'anna')).toMatchObject({ name: 'node1', attempt })
  expect(await desk.show('node1', 'anna')).toMatchObject({ code: 'password-shown' })
})

test.each([
  ['GET', '/api/v1/machines/node1/explanation', undefined, 200],
  ['GET', '/api/v1/machines/node9/explanation', undefined, 404],
  ['POST', '/api/v1/explanation?machine=node1', '{}', 200],
  ['POST', '/api/v1/explanation', '{}', 400],
  ['POST', '/api/v1/explanation', undefined, 400],
  ['POST', '/api/v1/machines/node1/reveal', undefined, 200],
  ['POST', '/api/v1/machines/node1/reveal', 'no JSON', 400],
  ['GET', '/api/v1/machines/node1/reveal', undefined, 405],
  ['POST', '/api/v1/machines/node1/password', '{}', 404],
  ['POST', '/api/v1/machines/node9/password', undefined, 404],
])('%s %s %s', async (method, path, body, expected) => {
  const [code, cacheControl] = await status(method, path, body)
  expect([code, expected === 405 ? 'no-store' : cacheControl]).toEqual([expected, 'no-store'])
})
