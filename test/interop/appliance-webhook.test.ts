/** A finished installation is told to somebody on another network, whoever is killed meanwhile. */
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installNode1 } from './appliance-install.ts'
import { OFFICE_ADDRESS, Rig, ROOT, type Running, until } from './appliance-rig.ts'

const LIMIT_MS = 90_000
const PORT = '8088'
const SECRET = 'correct horse battery staple'

let rig: Rig
let site: string
let appliance: Running

beforeAll(async () => {
  rig = await Rig.open('webhook')
  writeFileSync(rig.path('hook.key'), `${SECRET}\n`, { mode: 0o600 })
  const url = `http://${OFFICE_ADDRESS}:${PORT}/hooks/k3y`
  site = rig.site({ more: `[[webhook]]\nurl = "${url}"\nsecret-file = "${rig.path('hook.key')}"\n` })
  appliance = await rig.serve(site)
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

async function receiver(): Promise<Running> {
  const program = join(ROOT, 'test/interop/webhook-receiver.ts')
  const running = rig.spawn('office', [process.execPath, program, OFFICE_ADDRESS, PORT, rig.path('notes')])
  await running.untilSaid('listening')
  return running
}

type Note = { key: string; signature: string; body: string }

function notes(): Note[] {
  const text = existsSync(rig.path('notes')) ? readFileSync(rig.path('notes'), 'utf8') : ''
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Note)
}

test(
  'receiver and appliance are killed with a message on its way: it arrives, signed, once, and after the one before it',
  async () => {
    const first = await receiver()
    const one = await installNode1(rig)
    await until('the first message', () => notes().length > 0)
    await first.kill('SIGKILL')
    expect((await rig.cli(site, 'machine', 'reinstall', 'node1')).stderr).toBe('')
    const two = await installNode1(rig)
    // At once: whether it was written down by then is nobody's business.
    await appliance.kill('SIGKILL')
    appliance = await rig.serve(site)
    const waiting = await until('a message that waits', async () => {
      const [view] = JSON.parse((await rig.cli(site, 'webhook', 'list', '--json')).stdout)
      return view.error ? view : undefined
    })
    expect(waiting).toMatchObject({ number: 1, url: `http://${OFFICE_ADDRESS}:${PORT}/…`, pending: 1 })
    expect(waiting.error).toContain('ECONNREFUSED')
    await receiver()
    expect((await rig.cli(site, 'webhook', 'retry')).status).toBe(0)
    await until('the second message', () => notes().length > 1)
    expect(notes().map(({ body }) => [JSON.parse(body).event, JSON.parse(body).attempt])).toEqual([
      ['installed', one],
      ['installed', two],
    ])
    for (const { signature, body } of notes())
      expect(signature).toBe(`sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`)
    await until('nothing that waits', async () => {
      const [view] = JSON.parse((await rig.cli(site, 'webhook', 'list', '--json')).stdout)
      return view.pending === 0
    })
    expect(notes()).toHaveLength(2)
    expect(appliance.stdout).not.toContain('k3y')
  },
  LIMIT_MS,
)
