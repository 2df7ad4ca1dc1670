/** `doctor` on real wires: other servers of other makers, taken ports, a small MTU, a switch that speaks spanning tree, and an appliance that runs. */
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Finding } from '../../services/health/finding.ts'
import { HOST_DEVICE, HOST_MAC, joinHost } from './appliance-link.ts'
import { type Outcome, Rig, type Running, type SiteChange, type Space, until } from './appliance-rig.ts'

const LIMIT_MS = 60_000
const DOCTOR_LIMIT_MS = 40_000
const OTHER = '10.77.0.2'
const NOBODY = 65_534

let rig: Rig
const running: Running[] = []
let states = 0

beforeAll(async () => {
  rig = await Rig.open('doctor')
  joinHost(rig, `${OTHER}/24`)
}, LIMIT_MS)

afterEach(async () => {
  for (const one of running.splice(0)) await one.kill('SIGTERM')
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

async function start(space: Space, ready: string, command: string[]): Promise<Running> {
  const one = rig.spawn(space, command)
  running.push(one)
  await until(ready, () => {
    if (!one.running) throw new Error(`it ended: ${one.stderr}${one.stdout}`)
    return `${one.stdout}${one.stderr}`.includes(ready)
  })
  return one
}

const DNSMASQ = [
  'dnsmasq',
  '--keep-in-foreground',
  '--conf-file=/dev/null',
  '--user=root',
  '--log-facility=-',
  '--pid-file=',
]

/** On the rack's link; it looks for three seconds whether what it offers is in use, as it does everywhere. */
function startDnsmasq(...words: string[]): Promise<Running> {
  const leases = rig.path('dnsmasq.leases')
  rmSync(leases, { force: true })
  const link = ['--port=0', `--interface=${HOST_DEVICE}`, '--bind-interfaces', `--dhcp-leasefile=${leases}`]
  return start('office', 'DHCP, ', [...DNSMASQ, ...link, ...words])
}

function startKea(): Promise<Running> {
  const file = rig.path('kea.json')
  const subnet = { id: 1, subnet: '10.77.0.0/24', pools: [{ pool: '10.77.0.220 - 10.77.0.230' }] }
  const dhcp4 = {
    'interfaces-config': { interfaces: [HOST_DEVICE] },
    'lease-database': { type: 'memfile', persist: false },
    'multi-threading': { 'enable-multi-threading': false },
    subnet4: [{ ...subnet, 'boot-file-name': 'kea.efi' }],
    loggers: [{ name: 'kea-dhcp4', output_options: [{ output: 'stdout', flush: true }], severity: 'INFO' }],
  }
  writeFileSync(file, JSON.stringify({ Dhcp4: dhcp4 }))
  const home = { KEA_PIDFILE_DIR: rig.folder, KEA_LOCKFILE_DIR: 'none' }
  const env = Object.entries(home).map(([name, value]) => `${name}=${value}`)
  return start('office', 'DHCP4_STARTED', ['env', ...env, 'kea-dhcp4', '-c', file])
}

function newSite(change: SiteChange = {}): string {
  return rig.site({ ...change, state: rig.path(`state-${++states}`) })
}

type Examined = Outcome & { findings: Finding[]; codes: string[] }

async function doctor(site: string): Promise<Examined> {
  const command = [process.execPath, 'services/main.ts', 'doctor', '--json', '--config', site]
  const outcome = await rig.run('appliance', command, DOCTOR_LIMIT_MS)
  const { findings } = JSON.parse(outcome.stdout) as { findings: Finding[] }
  return { ...outcome, findings, codes: findings.map(({ code }) => code) }
}

const found = ({ findings }: Examined, code: string): Finding | undefined => findings.find(one => one.code === code)

test(
  'T6 dnsmasq is found before the appliance starts: who it is, where, with its MAC, what it offered',
  async () => {
    const other = await startDnsmasq('--dhcp-range=10.77.0.210,10.77.0.220,1h', '--dhcp-boot=other.efi')
    const examined = await doctor(newSite())
    expect(examined.status).toBe(1)
    expect(found(examined, 'other-server')).toMatchObject({ subject: OTHER, severity: 'error' })
    expect(found(examined, 'other-server')?.message).toMatch(
      new RegExp(
        `^the server ${OTHER} gives addresses: it offered 10\\.77\\.0\\.2[12]\\d and other\\.efi to 02:52:72:.*; its MAC is ${HOST_MAC}$`,
      ),
    )
    expect(examined.codes).toEqual(expect.arrayContaining(['not-running', 'ports-free', 'link-ready']))
    // Asked, and nothing leased.
    expect(`${other.stdout}${other.stderr}`).not.toContain('DHCPACK')
  },
  LIMIT_MS,
)

test(
  'Kea, too',
  async () => {
    await startKea()
    const examined = await doctor(newSite())
    expect(found(examined, 'other-server')?.message).toMatch(
      /^the server 10\.77\.0\.2 gives addresses: it offered 10\.77\.0\.2[23]\d/,
    )
  },
  LIMIT_MS,
)

test(
  'dnsmasq as a proxy is told apart: it gives no addresses',
  async () => {
    await startDnsmasq('--dhcp-range=10.77.0.0,proxy', '--pxe-service=X86-64_EFI,"other",other.efi')
    const examined = await doctor(newSite())
    expect(found(examined, 'other-boot-server')).toMatchObject({ subject: OTHER, severity: 'error' })
    expect(examined.codes).not.toContain('other-server')
  },
  LIMIT_MS,
)

test(
  'a server that is meant to be there is fine; beside a proxy it has to be there',
  async () => {
    await startDnsmasq('--dhcp-range=10.77.0.210,10.77.0.220,1h', '--no-ping')
    expect((await doctor(newSite({ dhcp: `other-servers = ["${OTHER}"]` }))).codes).toContain('expected-server')
    expect((await doctor(newSite({ dhcpMode: 'proxy' }))).codes).toContain('expected-server')
    for (const one of running.splice(0)) await one.kill('SIGTERM')
    expect((await doctor(newSite({ dhcpMode: 'proxy' }))).codes).toContain('no-other-server')
  },
  LIMIT_MS,
)

test(
  'a port that is taken is named with who has it; the same one on another interface is no clash',
  async () => {
    const own = [
      '--except-interface=lo',
      '--dhcp-range=10.78.0.210,10.78.0.220,1h',
      `--dhcp-leasefile=${rig.path('own.leases')}`,
    ]
    const everywhere = await start('appliance', 'DHCP, ', [...DNSMASQ, ...own])
    const clash = await doctor(newSite())
    const taken = clash.findings.filter(({ code }) => code === 'port-taken').map(({ message }) => message)
    expect(taken).toEqual([
      `udp 0.0.0.0:67 is taken by dnsmasq (pid ${everywhere.pid})`,
      `udp 10.77.0.1:53 is taken by dnsmasq (pid ${everywhere.pid})`,
      `tcp 10.77.0.1:53 is taken by dnsmasq (pid ${everywhere.pid})`,
    ])
    expect(clash.status).toBe(1)
    await everywhere.kill('SIGTERM')
    const beside = await start('appliance', 'DHCP, ', [...DNSMASQ, ...own, '--interface=eth2', '--bind-interfaces'])
    const fine = await doctor(newSite())
    expect(fine.codes).toContain('ports-free')
    expect(found(fine, 'same-host-server')?.message).toMatch(
      new RegExp(`^dnsmasq \\(pid ${beside.pid}\\) of this host has .*udp 0\\.0\\.0\\.0:67`),
    )
  },
  LIMIT_MS,
)

test(
  'an MTU of 1400 is warned about, and an address of the pool that somebody took',
  async () => {
    const inAppliance = (...words: string[]): void => rig.ip('-n', rig.space('appliance'), ...words)
    const inOffice = (...words: string[]): void => rig.ip('-n', rig.space('office'), ...words)
    inAppliance('link', 'set', 'eth1', 'mtu', '1400')
    inOffice('addr', 'add', '10.77.0.100/24', 'dev', HOST_DEVICE)
    const examined = await doctor(newSite())
    inOffice('addr', 'del', '10.77.0.100/24', 'dev', HOST_DEVICE)
    inAppliance('link', 'set', 'eth1', 'mtu', '1500')
    // Who was there a moment ago counts as being there.
    inAppliance('neigh', 'flush', 'dev', 'eth1')
    expect(found(examined, 'mtu-small')?.message).toContain('MTU of 1400')
    expect(found(examined, 'mtu-small')?.message).toContain('blocks of 1368 bytes')
    expect(found(examined, 'address-in-use')?.message).toBe(`${HOST_MAC} uses 10.77.0.100, which nobody leased`)
  },
  LIMIT_MS,
)

test(
  'a switch that speaks spanning tree is heard',
  async () => {
    const inRack = (...words: string[]): void => rig.ip('-n', rig.space('rack'), ...words)
    inRack('link', 'set', 'eth0', 'type', 'bridge', 'stp_state', '1', 'forward_delay', '400')
    const examined = await doctor(newSite())
    inRack('link', 'set', 'eth0', 'type', 'bridge', 'stp_state', '0')
    inRack('link', 'set', 'eth0', 'type', 'bridge', 'forward_delay', '0')
    expect(found(examined, 'forwarding-delay')?.message).toMatch(
      /speaks spanning tree: a port that is no edge port forwards 8 seconds after it came up$/,
    )
  },
  LIMIT_MS,
)

test(
  'a rule that drops what machines send is told, with what it drops',
  async () => {
    const nft = (...words: string[]): Promise<Outcome> => rig.run('appliance', ['nft', words.join(' ')])
    await nft('add table inet office')
    await nft('add chain inet office input { type filter hook input priority 0; policy drop; }')
    await nft('add rule inet office input ct state established,related accept')
    await nft('add rule inet office input iifname eth1 udp dport { 67, 69 } accept')
    await nft('add rule inet office input tcp dport 80-443 accept')
    const examined = await doctor(newSite())
    await nft('delete table inet office')
    expect(found(examined, 'firewall-drops')?.message).toBe(
      'nftables inet office input drops udp 4011 (PXE), udp 53 (DNS), tcp 53 (DNS) that come by eth1',
    )
    expect((await doctor(newSite())).codes).toContain('firewall-open')
  },
  LIMIT_MS,
)

test(
  'what the appliance finds by itself is an alarm',
  async () => {
    const state = rig.path(`state-${++states}`)
    mkdirSync(state, { mode: 0o700 })
    chmodSync(state, 0o755)
    const site = rig.site({ state })
    running.push(await rig.serve(site))
    const { stdout } = await rig.cli(site, 'alarm', 'list', '--json')
    expect((JSON.parse(stdout) as { code: string; message: string }[]).map(({ message }) => message)).toEqual([
      `others may look into ${state} (mode 0755)`,
    ])
  },
  LIMIT_MS,
)

test(
  'who has no right says so and goes on: no port 68, no ports to try, no rules to read',
  async () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all']
    const site = newSite()
    const command = [...nobody, process.execPath, 'services/main.ts', 'doctor', '--json', '--config', site]
    const { stdout, stderr } = await rig.run('appliance', command, DOCTOR_LIMIT_MS)
    expect(stderr).toBe('')
    const codes = (JSON.parse(stdout) as { findings: Finding[] }).findings.map(({ code }) => code)
    const unknown = ['watch-deaf', 'ports-untried', 'firewall-unknown', 'forwarding-unknown']
    const known = ['link-ready', 'pools-quiet', 'loaders-found', 'iso-ready', 'dns-pair', 'state-missing']
    expect(codes).toEqual(expect.arrayContaining([...unknown, ...known]))
    expect(codes).not.toContain('probe-failed')
  },
  LIMIT_MS,
)

/** What the appliance is asked over its socket, as root does. */
async function api<T>(state: string, method: string, path: string): Promise<T> {
  const socket = ['--unix-socket', `${state}/control.sock`]
  const { stdout } = await rig.run('appliance', [
    'curl',
    '-s',
    ...socket,
    '-X',
    method,
    `http://localhost/api/v1${path}`,
  ])
  return JSON.parse(stdout) as T
}

const machines = async (site: string): Promise<string[]> => {
  const { stdout } = await rig.cli(site, 'machine', 'list', '--json')
  return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)
}

test(
  'an appliance that runs is fine, and remembers nothing of having been looked at',
  async () => {
    const state = rig.path(`state-${++states}`)
    const site = rig.site({ state })
    running.push(await rig.serve(site))
    const before = await machines(site)
    expect(await api(state, 'GET', '/doctor')).toEqual({})
    const examined = await doctor(site)
    expect(examined.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(examined.status).toBe(0)
    const fine = ['alone', 'appliance-answers', 'ports-ours', 'link-ready', 'firewall-open', 'pools-quiet', 'dns-pair']
    expect(examined.codes).toEqual(expect.arrayContaining([...fine, 'certificate-fine', 'loaders-found', 'state-fine']))
    expect(found(examined, 'appliance-answers')?.message).toBe(
      'to a stranger with UEFI, 10.77.0.1 offers 10.77.0.100 and snponly.efi',
    )
    expect(await machines(site)).toEqual(before)
    expect((await rig.cli(site, 'lease', 'list', '--json')).stdout.trim()).toBe('[]')
    const { stdout: alarms } = await rig.cli(site, 'alarm', 'list', '--json')
    expect(JSON.parse(alarms)).toEqual([])
    const last = await api<{ findings: Finding[] }>(state, 'GET', '/doctor')
    expect(last.findings.map(({ code }) => code)).toEqual(examined.codes)
    const check = await api<{ at: string; problems: unknown[] }>(state, 'GET', '/check')
    expect((await api<{ at: string }>(state, 'GET', '/check')).at).toBe(check.at)
    expect((await api<{ at: string }>(state, 'GET', '/check?fresh=true')).at).not.toBe(check.at)
  },
  LIMIT_MS,
)

test(
  'an appliance that is nobody is asked; what it may not see the command looks at as root',
  async () => {
    await startDnsmasq('--dhcp-range=10.77.0.210,10.77.0.220,1h', '--no-ping')
    const state = rig.path(`state-${++states}`)
    mkdirSync(state, { mode: 0o700 })
    chownSync(state, NOBODY, NOBODY)
    const site = rig.site({ state })
    const launcher = await start('appliance', 'is serving', [
      process.execPath,
      'test/interop/appliance-launcher.ts',
      site,
    ])
    const own = await api<{ findings: Finding[] }>(state, 'POST', '/doctor')
    const codes = own.findings.map(({ code }) => code)
    expect(codes).toEqual(
      expect.arrayContaining(['other-server', 'appliance-answers', 'ports-ours', 'firewall-unknown']),
    )
    const examined = await doctor(site)
    expect(examined.codes).toEqual(expect.arrayContaining(['other-server', 'firewall-open']))
    expect(examined.codes).not.toContain('firewall-unknown')
    expect(launcher.running).toBe(true)
  },
  LIMIT_MS,
)
