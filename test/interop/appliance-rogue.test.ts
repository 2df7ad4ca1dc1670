/** Another DHCP server on the rack's link, dnsmasq: who it is, within seconds, however it is met. */
import { chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { udhcpc } from './appliance-clients.ts'
import { CLIENT_MAC, HOST_DEVICE, HOST_MAC, joinHost } from './appliance-link.ts'
import { LEVEL_ERROR, type Outcome, Rig, type Running, type SiteChange, until } from './appliance-rig.ts'
import type { AlarmView } from '../../services/console/schema/alarm.ts'

const LIMIT_MS = 60_000
const ROGUE = '10.77.0.2'
/** From the start of the appliance. */
const ALARM_LIMIT_MS = 5_000
/** Twice as long as a server may take to answer. */
const SILENCE_LIMIT_MS = 15_000
const NOBODY = 65_534

let rig: Rig
const running: Running[] = []
let states = 0

beforeAll(async () => {
  rig = await Rig.open('rogue')
  joinHost(rig, `${ROGUE}/24`)
}, LIMIT_MS)

afterEach(async () => {
  for (const one of running.splice(0)) await one.kill('SIGTERM')
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

function start(space: 'appliance' | 'office', command: string[]): Running {
  const one = rig.spawn(space, command)
  running.push(one)
  return one
}

/** Gives addresses on the rack's link, and answers before a conflict probe of ours is over. */
async function startRogue(...words: string[]): Promise<Running> {
  const leases = rig.path('dnsmasq.leases')
  rmSync(leases, { force: true })
  const rogue = start('office', [
    'dnsmasq',
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--user=root',
    '--port=0',
    '--log-facility=-',
    '--pid-file=',
    `--interface=${HOST_DEVICE}`,
    '--bind-interfaces',
    '--dhcp-authoritative',
    '--no-ping',
    `--dhcp-leasefile=${leases}`,
    '--dhcp-range=10.77.0.210,10.77.0.220,1h',
    ...words,
  ])
  await until('dnsmasq', () => `${rogue.stdout}${rogue.stderr}`.includes('DHCP, IP range'))
  return rogue
}

async function serve(change: SiteChange = {}): Promise<{ appliance: Running; site: string }> {
  const site = rig.site({ ...change, state: rig.path(`state-${++states}`) })
  const appliance = start('appliance', rig.serveCommand(site))
  await appliance.untilSaid('is serving')
  return { appliance, site }
}

async function alarms(site: string): Promise<AlarmView[]> {
  return JSON.parse((await rig.cli(site, 'alarm', 'list', '--json')).stdout) as AlarmView[]
}

function untilAlarm(site: string, code: string, limitMs: number): Promise<AlarmView> {
  return until(`the alarm ${code}`, async () => (await alarms(site)).find(alarm => alarm.code === code), limitMs)
}

test(
  'T6 by a question of an appliance that is nobody: who it is, where, with its MAC, what it offered',
  async () => {
    await startRogue()
    const state = rig.path('state-nobody')
    mkdirSync(state, { mode: 0o700 })
    chownSync(state, NOBODY, NOBODY)
    const site = rig.site({ state })
    const began = Date.now()
    const launcher = start('appliance', [process.execPath, 'test/interop/appliance-launcher.ts', site])
    await launcher.untilSaid('other-server', ALARM_LIMIT_MS + LIMIT_MS)
    const took = Date.now() - began
    const pid = /^appliance (\d+)$/m.exec(launcher.stdout)![1]!
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^CapEff:\t0{16}$/m)
    const line = launcher.log().find(({ reason }) => reason === 'other-server')!
    const serving = launcher.log().find(({ msg }) => msg === 'serving DHCP')!
    const delay = Date.parse(String(line['time'])) - Date.parse(String(serving['time']))
    expect(delay).toBeLessThan(ALARM_LIMIT_MS)
    process.stdout.write(`watch: alarm ${delay} ms after serving, ${took} ms after the process began\n`)
    expect(line).toMatchObject({
      level: LEVEL_ERROR,
      server: ROGUE,
      from: ROGUE,
      serverMac: HOST_MAC,
      offered: expect.stringMatching(/^10\.77\.0\.2[12]\d$/),
    })
    const { stdout } = await rig.cli(site, 'alarm', 'list')
    expect(stdout).toMatch(/^alarm other-server 10\.77\.0\.2: first .* ago/)
    expect(stdout).toContain(`serverMac ${HOST_MAC}`)
    // A question of our own, heard back, makes no machine.
    const { stdout: machines } = await rig.cli(site, 'machine', 'list', '--json')
    expect((JSON.parse(machines) as { name: string }[]).map(({ name }) => name)).toEqual(['node1'])
  },
  LIMIT_MS,
)

test(
  'by what a machine chose, where another program has port 68; that is said once',
  async () => {
    await startRogue()
    const holder = start('appliance', [
      process.execPath,
      '-e',
      'require("dgram").createSocket("udp4").bind(68, () => console.log("has it"))',
    ])
    await holder.untilSaid('has it')
    const { appliance, site } = await serve()
    expect((await alarms(site)).map(({ code }) => code)).toEqual(['watch-deaf'])
    const { variables } = await udhcpc(rig, 'rack')
    expect(variables.get('ip')).toMatch(/^10\.77\.0\.2[12]\d$/)
    expect(await untilAlarm(site, 'other-server', ALARM_LIMIT_MS)).toMatchObject({
      subject: ROGUE,
      message: `the server ${ROGUE} gives addresses: ${CLIENT_MAC} took its offer`,
      details: { seenBy: 'request', machine: CLIENT_MAC, serverMac: HOST_MAC },
    })
    expect(appliance.log().filter(({ reason }) => reason === 'watch-deaf')).toMatchObject([
      { why: "can't listen on udp 0.0.0.0:68 of eth1: the port is taken" },
    ])
  },
  LIMIT_MS,
)

/** As for a management network: another NIC of the appliance has its address by DHCP. It stops at the first DISCOVER. */
async function clientOfTheHost(program: 'dhclient' | 'udhcpc'): Promise<Outcome> {
  const files = ['-lf', rig.path('host.leases'), '-pf', rig.path('host.pid'), '-cf', '/dev/null', '-sf', '/bin/true']
  const command =
    program === 'dhclient'
      ? ['timeout', '2', 'dhclient', '-4', '-d', '-v', ...files, 'eth2']
      : ['udhcpc', '-f', '-n', '-t', '1', '-T', '1', '-i', 'eth2', '-s', '/bin/true']
  return rig.run('appliance', command)
}

test(
  'port 68 is shared with DHCP clients of this host, whichever comes first',
  async () => {
    await startRogue()
    const first = start('appliance', [
      'dhclient',
      '-4',
      '-d',
      '-cf',
      '/dev/null',
      '-lf',
      rig.path('first.leases'),
      '-pf',
      rig.path('first.pid'),
      '-sf',
      '/bin/true',
      'eth2',
    ])
    await until('its DISCOVER', () => first.stderr.includes('DHCPDISCOVER on eth2'))
    const { site } = await serve()
    expect((await untilAlarm(site, 'other-server', ALARM_LIMIT_MS)).subject).toBe(ROGUE)
    expect((await alarms(site)).map(({ code }) => code)).not.toContain('watch-deaf')
    await first.kill('SIGTERM')
    for (const program of ['dhclient', 'udhcpc'] as const) {
      const { stderr } = await clientOfTheHost(program)
      expect(stderr).toMatch(/DHCPDISCOVER on eth2|broadcasting discover/)
      expect(stderr).not.toMatch(/bind/i)
    }
  },
  LIMIT_MS,
)

test(
  'a server that the site names is no alarm',
  async () => {
    const rogue = await startRogue()
    const { site } = await serve({ dhcp: `other-servers = ["${ROGUE}"]` })
    await until('its answer', () => `${rogue.stdout}${rogue.stderr}`.includes('DHCPOFFER'))
    await udhcpc(rig, 'rack')
    expect(await alarms(site)).toEqual([])
  },
  LIMIT_MS,
)

test(
  'in proxy mode the other server is meant to be there',
  async () => {
    const rogue = await startRogue()
    const { site } = await serve({ dhcpMode: 'proxy' })
    await until('its answer', () => `${rogue.stdout}${rogue.stderr}`.includes('DHCPOFFER'))
    expect(await alarms(site)).toEqual([])
  },
  LIMIT_MS,
)

test(
  'in proxy mode it is an alarm that it tells machines what to boot',
  async () => {
    await startRogue('--dhcp-boot=other.efi')
    const { site } = await serve({ dhcpMode: 'proxy' })
    expect(await untilAlarm(site, 'other-boot-server', ALARM_LIMIT_MS)).toMatchObject({
      subject: ROGUE,
      details: { bootFile: 'other.efi', serverMac: HOST_MAC },
    })
  },
  LIMIT_MS,
)

test(
  'in proxy mode it is an alarm that no server answers',
  async () => {
    const { site } = await serve({ dhcpMode: 'proxy' })
    const began = Date.now()
    await untilAlarm(site, 'no-other-server', SILENCE_LIMIT_MS)
    process.stdout.write(`watch: no server at all, said after ${Date.now() - began} ms\n`)
  },
  LIMIT_MS,
)
