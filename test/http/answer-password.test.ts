/** `root-password-hashed = "{{password.random}}"`, from the request to the operator. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { afterEach, expect, test } from 'vitest'
import { sha512Crypt } from '../../services/answer/sha512-crypt.ts'
import { Passwords } from '../../services/answer/passwords.ts'
import { localPasswords } from '../../services/console/passwords.ts'
import { viewEvent } from '../../services/console/machine-view.ts'
import { NODE1 } from '../machine/rig.ts'
import { LAYER, type Reply, Rig } from './rig.ts'

let rig: Rig
afterEach(() => rig.close())

const RANDOM = LAYER.replace(/root-password-hashed = .*/, 'root-password-hashed = "{{ password.random }}"')

async function start(layer = RANDOM): Promise<void> {
  rig = await Rig.start()
  await writeFile(join(rig.folder, 'answers', 'base.toml'), layer)
  await rig.bring('booting')
}

function post(): Promise<Reply> {
  const body = { product: { product: 'pve' }, iso: { release: '9.2' }, network_interfaces: [{ mac: NODE1 }] }
  return rig.tls(`/answer/${rig.token('answer')}`, { method: 'POST', body: JSON.stringify(body) })
}

const hashIn = ({ text }: Reply): string =>
  (parse(text) as { global: { 'root-password-hashed': string } }).global['root-password-hashed']

const desk = () => localPasswords(rig.registry, rig.context.passwords as Passwords, async () => {})

test('the installer gets a hash, an operator the password, once, and the timeline says who', async () => {
  await start()
  const reply = await post()
  expect([reply.status, rig.node1.password]).toEqual([200, { attempt: rig.attempt }])
  const shown = await desk().show('node1', 'anna\n(sudo)')
  if (!('password' in shown)) throw new Error(shown.message)
  const hash = hashIn(reply)
  expect(await sha512Crypt(shown.password, hash.split('$')[2]!)).toBe(hash)
  expect(await desk().show('node1', 'bert')).toMatchObject({
    code: 'password-shown',
    message: expect.stringMatching(/^the random root password of node1 was shown to anna \(sudo\) at \S+Z$/) as string,
  })
  const timeline = (await rig.registry.timeline(rig.node1.id, 0, 100)).map(viewEvent).map(({ text }) => text)
  expect(timeline.slice(-2)).toEqual([
    'served the answer from base to 127.0.0.11; its root password is random; it installs 127.0.0.11 as static: reserved from now on',
    `showed the random root password of attempt ${rig.attempt} to anna (sudo); it is kept no longer`,
  ])
  expect(rig.node1.password).toMatchObject({ attempt: rig.attempt, shownTo: 'anna (sudo)' })
})

test('after a power cycle within the attempt it is the same one, seen or not; another attempt has another', async () => {
  await start()
  const first = hashIn(await post())
  await desk().show('node1', '')
  expect(hashIn(await post())).toBe(first)
  expect(rig.node1.password?.shownTo).toBe('an operator')
  await rig.approve(true)
  expect(hashIn(await post())).not.toBe(first)
  expect(rig.node1.password).toEqual({ attempt: rig.attempt })
})

test('an installation with a password of its own ends it', async () => {
  await start()
  await post()
  await writeFile(join(rig.folder, 'answers', 'base.toml'), LAYER)
  await rig.approve(true)
  expect((await post()).status).toBe(200)
  expect([rig.node1.password, await desk().show('node1', '')]).toMatchObject([undefined, { code: 'no-password' }])
  expect(await (rig.context.passwords as Passwords).take(rig.node1.id)).toMatchObject({ code: 'password-shown' })
})

test('L10 the password is in no file of the state, no log and no event, before and after it is shown', async () => {
  await start()
  const hash = hashIn(await post())
  const shown = await desk().show('node1', 'anna')
  if (!('password' in shown)) throw new Error(shown.message)
  const state = join(rig.folder, 'state')
  const files = await Promise.all((await readdir(state)).map(name => readFile(join(state, name))))
  const everything = Buffer.concat([...files, Buffer.from(rig.log.lines.join())])
  expect(files.length).toBeGreaterThan(2)
  expect(everything.includes(shown.password)).toBe(false)
  expect(rig.log.lines.join()).not.toContain(hash)
})

test('an answer that is refused ends no password: nothing was erased', async () => {
  await start()
  await post()
  const { attempt } = rig.node1.password!
  await writeFile(join(rig.folder, 'answers', 'base.toml'), RANDOM.replace('"en-us"', '"klingon"'))
  await rig.approve(true)
  expect((await post()).status).toBe(409)
  expect(await desk().show('node1', '')).toMatchObject({ attempt })
})

test('the event loop goes on while the hash is made', async () => {
  await start()
  let turns = 0
  const count = (): void => {
    turns++
    if (turns < 1000) setImmediate(count)
  }
  const asked = post()
  setImmediate(count)
  await asked
  expect(turns).toBeGreaterThan(50)
})

test.each([
  ['in clear', 'root-password = "{{password.random}}"'],
  ['with more around it', 'root-password-hashed = "x{{password.random}}"'],
])('%s it is refused', async (_, line) => {
  await start(LAYER.replace(/root-password-hashed = .*/, line))
  expect((await post()).text).toContain('{{password.random}} stands here, or not alone')
})
