/** How it ends: told to stop, it lets a download finish and takes no new work; killed, it knows everything that it had said. */
import { truncateSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { curl, dhclient, dig, udhcpc } from './appliance-clients.ts'
import { ISO, LEVEL_ERROR, NODE1_ADDRESS, NODE1_MAC, Rig, type Running, until } from './appliance-rig.ts'

const LIMIT_MS = 40_000
const MIB = 1024 * 1024
/** More than the buffers between two sockets hold. */
const ISO_BYTES = 64 * MIB
const GRACE_MS = 10_000
/** What starting, signals and two busy cores may add. */
const SLACK_MS = 4000

let rig: Rig
let site: string
let appliance: Running

beforeAll(async () => {
  rig = await Rig.open('stop')
  // What follows the last file of an image is nobody's.
  truncateSync(rig.path('isos', ISO), ISO_BYTES)
  site = rig.site()
  appliance = await rig.serve(site)
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

function download(...words: string[]): Running {
  return rig.spawn('rack', [
    'curl',
    '-sS',
    '--max-time',
    '30',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code} %{size_download}',
    ...words,
    `http://10.77.0.1/isos/${ISO}/proxmox.iso`,
  ])
}

/** Something of it has come. */
async function underWay(): Promise<void> {
  await until(
    'a download',
    async () => (await rig.run('rack', ['ss', '-Htn', 'state', 'established', 'dst', '10.77.0.1:80'])).stdout !== '',
  )
}

async function stopped(): Promise<{ code: number | null; afterMs: number }> {
  const from = Date.now()
  appliance.child.kill('SIGTERM')
  const { code } = await appliance.ended
  return { code, afterMs: Date.now() - from }
}

test(
  'killed and started again, it knows its leases and what machines were doing',
  async () => {
    await dhclient(rig, 'rack')
    const script = await curl(rig, 'rack', `/boot.ipxe?mac=${NODE1_MAC}`, '--interface', NODE1_ADDRESS)
    const attempt = /\/boot\/([0-9a-f]+)\//.exec(script.stdout)![1]
    const record = ['txt', 'proxmox-auto-installer.rack7.example.org', '-b', NODE1_ADDRESS]
    const answer = (await dig(rig, 'rack', ...record)).stdout
    const before = await rig.cli(site, 'machine', 'list')
    expect(before.stdout).toMatch(/^node1\s+booting\s+10\.77\.0\.11\s/m)

    await appliance.kill('SIGKILL')
    const alone = await rig.cli(site, 'machine', 'list')
    expect([alone.status, alone.stdout]).toEqual([0, expect.stringMatching(/^node1\s+booting\s+10\.77\.0\.11\s/m)])

    appliance = await rig.serve(site)
    const after = await rig.cli(site, 'machine', 'show', 'node1', '--json')
    expect(JSON.parse(after.stdout)).toMatchObject({
      state: 'booting',
      address: NODE1_ADDRESS,
      attempt: { id: attempt },
    })
    // The lease counts at once: DNS tells the same answer URL to that address, before the machine says anything.
    expect((await dig(rig, 'rack', ...record)).stdout).toBe(answer)
    expect(answer).toMatch(/^"https:\/\/10\.77\.0\.1\/answer\/[\w-]{22,}"\n$/)
  },
  LIMIT_MS,
)

test(
  'told to stop, it lets a download finish and takes no new work',
  async () => {
    const loading = download('--limit-rate', '18M')
    await underWay()
    const ending = stopped()
    await appliance.untilSaid('stopping')
    await until('closed ports', async () => (await curl(rig, 'rack', '/boot.ipxe')).status === 7)
    expect((await udhcpc(rig, 'rack', '-t', '1')).variables.size).toBe(0)
    expect((await dig(rig, 'rack', 'mirror.rack7.example.org')).stdout).not.toContain('10.77.0.5')
    expect(appliance.running).toBe(true)
    await loading.ended
    expect(loading.stdout).toBe(`200 ${ISO_BYTES}`)
    const { code, afterMs } = await ending
    expect(code).toBe(0)
    expect(afterMs).toBeLessThan(GRACE_MS)
    expect(appliance.log().filter(({ level }) => level >= LEVEL_ERROR)).toEqual([])
  },
  LIMIT_MS,
)

test(
  'a download that would take for ever is cut after ten seconds, as is everybody who only holds a connection',
  async () => {
    appliance = await rig.serve(site)
    const loading = download('--limit-rate', '4M')
    const holder = rig.spawn('rack', [process.execPath, 'test/interop/appliance-assault.ts', 'hold', NODE1_ADDRESS])
    await holder.untilSaid('open')
    await underWay()
    const { code, afterMs } = await stopped()
    expect(code).toBe(0)
    expect(afterMs).toBeGreaterThanOrEqual(GRACE_MS - 500)
    expect(afterMs).toBeLessThan(GRACE_MS + SLACK_MS)
    await loading.ended
    expect(loading.stdout).toMatch(/^200 \d{7,8}$/)
    expect(appliance.stderr).toBe('')
  },
  LIMIT_MS,
)

test(
  'with nobody connected, it ends at once',
  async () => {
    appliance = await rig.serve(site)
    const { code, afterMs } = await stopped()
    expect(code).toBe(0)
    expect(afterMs).toBeLessThan(SLACK_MS)
  },
  LIMIT_MS,
)
