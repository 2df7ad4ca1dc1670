/** The conflict probe on a real link, by an appliance that is nobody and has no capability. */
import { mkdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dhclient } from './appliance-clients.ts'
import { CLIENT_MAC, HOST_MAC, joinHost } from './appliance-link.ts'
import { LEVEL_ERROR, NODE1_ADDRESS, NODE1_MAC, Rig, type Running } from './appliance-rig.ts'

const LIMIT_MS = 40_000
/** Half of what a client waits for at least. */
const OFFER_LIMIT_MS = 600
/** No probe: what the machine and the processes take. */
const AT_ONCE_MS = 200

let rig: Rig
let site: string
let launcher: Running

type Offer = { mac: string; address: string; ms: number }

async function discover(...macs: string[]): Promise<Offer[]> {
  const { stdout } = await rig.run('rack', [
    process.execPath,
    'test/interop/appliance-discover.ts',
    'eth0',
    '3000',
    ...macs,
  ])
  return stdout
    .trim()
    .split('\n')
    .map(line => line.split(' ') as [string, string, string])
    .map(([mac, address, ms]) => ({ mac, address, ms: Number(ms) }))
}

beforeAll(async () => {
  rig = await Rig.open('probe')
  joinHost(rig, '10.77.0.100/24')
  // It answers neither echo requests nor datagrams to closed ports: ARP is what no host refuses.
  await rig.run('office', ['sysctl', '-q', '-w', 'net.ipv4.icmp_echo_ignore_all=1'])
  mkdirSync(rig.path('state'), { mode: 0o700 })
  await rig.run('appliance', ['chown', 'nobody:nogroup', rig.path('state')])
  site = rig.site()
  launcher = rig.spawn('appliance', [process.execPath, 'test/interop/appliance-launcher.ts', site])
  await launcher.untilSaid('is serving')
}, LIMIT_MS)

afterAll(async () => {
  await launcher.kill('SIGTERM')
  await rig.close()
}, LIMIT_MS)

test(
  'C08 a host that holds the next free address and ignores pings: dhclient gets the one after it, and the log names its MAC',
  async () => {
    const pid = /^appliance (\d+)$/m.exec(launcher.stdout)![1]!
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^CapEff:\t0{16}$/m)
    const { variables } = await dhclient(rig, 'rack')
    expect(variables.get('new_ip_address')).toBe('10.77.0.101')
    const conflict = launcher.log().find(({ reason }) => reason === 'address-in-use')
    expect(conflict).toMatchObject({
      address: '10.77.0.100',
      answerer: HOST_MAC,
      mac: CLIENT_MAC,
      msg: `${HOST_MAC} uses 10.77.0.100, which is in quarantine now: another address for ${CLIENT_MAC}`,
    })
    const leases = JSON.parse((await rig.cli(site, 'lease', 'list', '--json')).stdout) as object[]
    expect(leases).toMatchObject([
      { address: '10.77.0.100', mac: HOST_MAC, state: 'quarantine' },
      { address: '10.77.0.101', mac: CLIENT_MAC, state: 'bound' },
    ])
  },
  LIMIT_MS,
)

test(
  'a new machine waits for a quarter of a second, a known one and a listed one not at all',
  async () => {
    // Once without measuring, so that no machine pays for what is loaded and compiled on the way.
    await discover('52:54:00:77:01:01')
    const [fresh] = await discover('52:54:00:77:01:02')
    const [known] = await discover(CLIENT_MAC)
    const [listed] = await discover(NODE1_MAC)
    expect([known?.address, listed?.address]).toEqual(['10.77.0.101', NODE1_ADDRESS])
    expect(fresh!.ms).toBeGreaterThanOrEqual(250)
    expect(fresh!.ms).toBeLessThan(OFFER_LIMIT_MS)
    expect(known!.ms).toBeLessThan(AT_ONCE_MS)
    expect(listed!.ms).toBeLessThan(AT_ONCE_MS)
    process.stdout.write(`probe: new machine ${fresh!.ms} ms, known ${known!.ms} ms, listed ${listed!.ms} ms\n`)
  },
  LIMIT_MS,
)

test(
  'a rack that is switched on at once waits no longer than one machine',
  async () => {
    const rack = Array.from({ length: 60 }, (_, at) => `52:54:00:77:02:${at.toString(16).padStart(2, '0')}`)
    const offers = await discover(...rack)
    expect(new Set(offers.map(({ address }) => address)).size).toBe(60)
    const slowest = Math.max(...offers.map(({ ms }) => ms))
    expect(slowest).toBeLessThan(2 * OFFER_LIMIT_MS)
    process.stdout.write(`probe: 60 machines, slowest ${slowest} ms\n`)
    expect(launcher.log().filter(({ level }) => level >= LEVEL_ERROR)).toEqual([])
  },
  LIMIT_MS,
)

test(
  'a host that answers ARP for every address cannot keep machines from theirs: an alarm, and an offer within a second',
  async () => {
    // As proxy ARP does: whatever is free in the pool by now is local there.
    rig.ip('-n', rig.space('office'), 'route', 'add', 'local', '10.77.0.128/25', 'dev', 'lo')
    const offers = await discover('52:54:00:77:03:01', '52:54:00:77:03:02')
    expect(offers).toHaveLength(2)
    for (const { ms } of offers) expect(ms).toBeLessThan(1000)
    process.stdout.write(`probe: beside proxy ARP ${offers.map(({ ms }) => ms).join(' and ')} ms\n`)
    const { stdout } = await rig.cli(site, 'alarm', 'list')
    expect(stdout).toContain('alarm answers-for-all: first')
    expect(stdout).toContain(`answerer ${HOST_MAC}`)
  },
  LIMIT_MS,
)
