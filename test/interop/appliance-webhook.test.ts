/** A finished installation is told to somebody on another network, whoever is killed meanwhile. */
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { curl, dhclient, dig } from './appliance-clients.ts'
import { NODE1_ADDRESS, NODE1_MAC, OFFICE_ADDRESS, Rig, ROOT, type Running, until } from './appliance-rig.ts'

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

const from = ['-k', '--interface', NODE1_ADDRESS]

/** From power-on to the report, as the installer asks; returns the attempt. */
async function install(): Promise<string> {
  await dhclient(rig, 'rack')
  const script = await curl(rig, 'rack', `/boot.ipxe?mac=${NODE1_MAC}`, '--interface', NODE1_ADDRESS)
  const attempt = /\/boot\/([0-9a-f]+)\//.exec(script.stdout)![1]!
  const name = 'proxmox-auto-installer.rack7.example.org'
  const answerUrl = (await dig(rig, 'rack', 'txt', name, '-b', NODE1_ADDRESS)).stdout.trim().replaceAll('"', '')
  const information = JSON.stringify({
    product: { product: 'pve' },
    iso: { release: '9.2', isorelease: '1' },
    network_interfaces: [{ link: 'eth0', mac: NODE1_MAC }],
  })
  const answer = await curl(rig, 'rack', answerUrl, ...from, '-H', 'accept: application/json', '-d', information)
  const reportUrl = /https:\/\/[^"]+\/webhook\/[\w-]+/.exec(answer.stdout)![0]
  const report = JSON.stringify({ fqdn: 'node1.rack7.example.org', product: { short: 'pve', version: '9.2.1' } })
  expect((await curl(rig, 'rack', reportUrl, ...from, '-d', report)).stdout).toBe('thank you\n')
  return attempt
}

test(
  'receiver and appliance are killed with a message on its way: it arrives, signed, once, and after the one before it',
  async () => {
    const first = await receiver()
    const one = await install()
    await until('the first message', () => notes().length > 0)
    await first.kill('SIGKILL')
    expect((await rig.cli(site, 'machine', 'reinstall', 'node1')).stderr).toBe('')
    const two = await install()
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
