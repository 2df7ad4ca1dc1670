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
    '8000',
    ...macs,
  ])
  return stdout
    .trim()
    .split('\n')
    .map(line => line.split(' ') as [string, string, string])
    .map(([mac, address, ms]) => ({ mac, address, ms: Number(ms) }))
}

/** One after the other: a host that is busy is not busy all the time. */
async function offers(...macs: string[]): Promise<Offer[]> {
  const heard: Offer[] = []
  for (const mac of macs) heard.push(...(await discover(mac)))
  expect(heard).toHaveLength(macs.length)
  return heard
}

const soonest = (heard: readonly Offer[]): number => Math.min(...heard.map(({ ms }) => ms))

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
    const fresh = await offers('52:54:00:77:01:02', '52:54:00:77:01:03', '52:54:00:77:01:04')
    const known = await offers(CLIENT_MAC, CLIENT_MAC, CLIENT_MAC)
    const listed = await offers(NODE1_MAC, NODE1_MAC, NODE1_MAC)
    expect(new Set(known.map(({ address }) => address))).toEqual(new Set(['10.77.0.101']))
    expect(new Set(listed.map(({ address }) => address))).toEqual(new Set([NODE1_ADDRESS]))
    expect(soonest(fresh)).toBeGreaterThanOrEqual(250)
    expect(soonest(fresh)).toBeLessThan(OFFER_LIMIT_MS)
    expect(soonest(known)).toBeLessThan(AT_ONCE_MS)
    expect(soonest(listed)).toBeLessThan(AT_ONCE_MS)
    const shown = [fresh, known, listed].map(soonest)
    process.stdout.write(`probe: new machine ${shown[0]} ms, known ${shown[1]} ms, listed ${shown[2]} ms\n`)
  },
  LIMIT_MS,
)

test(
  'a rack that is switched on at once waits no longer than one machine',
  async () => {
    const rack = Array.from({ length: 60 }, (_, at) => `52:54:00:77:02:${at.toString(16).padStart(2, '0')}`)
    const heard = await discover(...rack)
    expect(new Set(heard.map(({ address }) => address)).size).toBe(60)
    const slowest = Math.max(...heard.map(({ ms }) => ms))
    // One after the other it would be a quarter of a minute.
    expect(slowest).toBeLessThan(5000)
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
    const heard = await discover('52:54:00:77:03:01', '52:54:00:77:03:02')
    expect(heard).toHaveLength(2)
    expect(soonest(heard)).toBeLessThan(1000)
    process.stdout.write(`probe: beside proxy ARP ${heard.map(({ ms }) => ms).join(' and ')} ms\n`)
    const { stdout } = await rig.cli(site, 'alarm', 'list')
    expect(stdout).toContain('alarm answers-for-all: first')
    expect(stdout).toContain(`answerer ${HOST_MAC}`)
  },
  LIMIT_MS,
)
