/** The served interface goes away and comes back, between transfers and in the middle of them. */
import { createHash } from 'node:crypto'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ALL_ANSWER, answering, dhclient, udhcpc } from './appliance-clients.ts'
import { answerUrl, askAnswer, attemptIn, bootScript, FROM_NODE1 } from './appliance-install.ts'
import { ISO, NODE1_ADDRESS, NODE1_MAC, Rig, type Running, until } from './appliance-rig.ts'

const LIMIT_MS = 120_000
const DOWN_MS = 6_000
/** A look, and what two busy cores add. */
const NOTICED_MS = 8_000
const ISO_BYTES = 48 * 1024 * 1024
/** Of a download that takes some seconds. */
const SLOWLY = ['--limit-rate', '8M']

let rig: Rig
let site: string
let appliance: Running

const link = (...words: string[]): void => rig.ip('-n', rig.space('appliance'), 'link', ...words)
const sleep = (ms: number): Promise<void> => new Promise(wake => setTimeout(wake, ms))
const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

async function alarms(): Promise<string[]> {
  const found = JSON.parse((await rig.cli(site, 'alarm', 'list', '--json')).stdout) as {
    code: string
    endedAt?: string
  }[]
  return found.flatMap(({ code, endedAt }) => (endedAt === undefined ? [code] : []))
}

beforeAll(async () => {
  rig = await Rig.open('flap')
  truncateSync(rig.path('isos', ISO), ISO_BYTES)
  writeFileSync(rig.path('loaders', 'snponly.efi'), randomBytes(16 * 1024 * 1024))
  site = rig.site()
  appliance = await rig.serve(site)
  await dhclient(rig, 'rack')
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

test(
  'down and up again: alarms while it lasts, and all services afterwards, without a restart',
  async () => {
    link('set', 'eth1', 'down')
    await until('an alarm', async () => (await alarms()).includes('interface-down'), NOTICED_MS)
    link('set', 'eth1', 'up')
    await until('its end', async () => !(await alarms()).includes('interface-down'), NOTICED_MS)
    rig.ip('-n', rig.space('rack'), 'link', 'set', 'eth0', 'down')
    await until('an alarm', async () => (await alarms()).includes('no-carrier'), NOTICED_MS)
    rig.ip('-n', rig.space('rack'), 'link', 'set', 'eth0', 'up')
    rig.ip('-n', rig.space('appliance'), 'addr', 'del', '10.77.0.1/24', 'dev', 'eth1')
    await until('an alarm', async () => (await alarms()).includes('address-missing'), NOTICED_MS)
    rig.ip('-n', rig.space('appliance'), 'addr', 'add', '10.77.0.1/24', 'dev', 'eth1')
    await until('its end', async () => !(await alarms()).some(code => code === 'address-missing'), NOTICED_MS)
    expect(await answering(rig, site)).toEqual(ALL_ANSWER)
    expect(appliance.running).toBe(true)
  },
  LIMIT_MS,
)

test(
  'down in the middle of downloads: TFTP repeats its blocks, TCP goes on, and the bytes are the right ones',
  async () => {
    const attempt = attemptIn((await bootScript(rig)).stdout)!
    const url = await answerUrl(rig)
    const whole = rig.path('whole')
    await rig.run('rack', ['curl', '-sS', '-o', whole, ...FROM_NODE1, `http://10.77.0.1/boot/${attempt}/initrd.img`])
    const get = (out: string, ...words: string[]): Running =>
      rig.spawn('rack', ['curl', '-sS', '--max-time', '60', '-o', rig.path(out), ...FROM_NODE1, ...words])
    const downloads = [
      get('http', ...SLOWLY, `http://10.77.0.1/boot/${attempt}/initrd.img`),
      get('tftp', '--tftp-blksize', '1468', '--limit-rate', '3M', 'tftp://10.77.0.1/snponly.efi'),
    ]
    await sleep(1500)
    link('set', 'eth1', 'down')
    const asked = askAnswer(rig, url)
    await sleep(DOWN_MS)
    link('set', 'eth1', 'up')
    expect((await Promise.all(downloads.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0])
    expect(sha256(rig.path('http'))).toBe(sha256(whole))
    expect(sha256(rig.path('tftp'))).toBe(sha256(rig.path('loaders', 'snponly.efi')))
    // Whoever heard nothing asks again from the same lease, and is answered.
    await asked
    expect((await askAnswer(rig, url)).stdout).toMatch(/\n200$/)
    expect((await rig.cli(site, 'machine', 'list')).stdout).toMatch(/^node1\s+installing/m)
  },
  LIMIT_MS,
)

test(
  'a download that was cut goes on where it was, by Range and If-Range, with identical bytes',
  async () => {
    const url = `http://10.77.0.1/isos/${ISO}/proxmox.iso`
    const first = await rig.run('rack', [
      'curl',
      '-sS',
      '-D',
      rig.path('head'),
      '-o',
      rig.path('part'),
      '--max-time',
      '2',
      ...SLOWLY,
      url,
    ])
    expect(first.status).toBe(28)
    const tag = /^etag: (.+)$/im.exec(readFileSync(rig.path('head'), 'utf8'))![1]!.trim()
    const rest = await rig.run('rack', [
      'curl',
      '-sS',
      '-C',
      '-',
      '-o',
      rig.path('part'),
      '-H',
      `If-Range: ${tag}`,
      url,
    ])
    expect([rest.status, sha256(rig.path('part'))]).toEqual([0, sha256(rig.path('isos', ISO))])
  },
  LIMIT_MS,
)

test(
  'deleted and made anew under the same name: it waits, ends with a line, and the next start serves',
  async () => {
    link('del', 'eth1')
    await until('an alarm', async () => (await alarms()).includes('interface-missing'), NOTICED_MS)
    expect(appliance.running).toBe(true)
    link('add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', rig.space('rack'))
    rig.ip('-n', rig.space('rack'), 'link', 'set', 'eth0', 'address', NODE1_MAC, 'up')
    link('set', 'eth1', 'up')
    await sleep(3000)
    expect(appliance.running).toBe(true)
    rig.ip('-n', rig.space('appliance'), 'addr', 'add', '10.77.0.1/24', 'dev', 'eth1')
    await until('its end', () => !appliance.running, NOTICED_MS)
    expect(await appliance.ended).toEqual({ code: 1, signal: null })
    expect(appliance.stdout).toContain('eth1 was deleted and is there again')
    // As a service manager would.
    appliance = await rig.serve(site)
    expect((await udhcpc(rig, 'rack')).variables.get('ip')).toBe(NODE1_ADDRESS)
  },
  LIMIT_MS,
)
