/** Sockets from the service manager: the appliance serves with no capability, as nobody, and takes no socket that it was not meant to have. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ALL_ANSWER, answering, curl, dhclient, udhcpc } from './appliance-clients.ts'
import { LEVEL_ERROR, NODE1_ADDRESS, NODE1_MAC, Rig, type Running } from './appliance-rig.ts'

const LIMIT_MS = 30_000
const END_LIMIT_MS = 15_000

let rig: Rig
let site: string
let launcher: Running

beforeAll(async () => {
  rig = await Rig.open('activation')
  mkdirSync(rig.path('state'), { mode: 0o700 })
  await rig.run('appliance', ['chown', 'nobody:nogroup', rig.path('state')])
  site = rig.site()
}, LIMIT_MS)

afterEach(() => launcher.kill('SIGTERM'), LIMIT_MS)
afterAll(() => rig.close(), LIMIT_MS)

function launch(...changes: string[]): Running {
  launcher = rig.spawn('appliance', [process.execPath, 'test/interop/appliance-launcher.ts', site, ...changes])
  return launcher
}

async function serving(...changes: string[]): Promise<string> {
  await launch(...changes).untilSaid('is serving')
  return /^appliance (\d+)$/m.exec(launcher.stdout)![1]!
}

test(
  'nobody, without a capability, serves all that root would',
  async () => {
    const pid = await serving()
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m)
    for (const set of ['CapPrm', 'CapEff', 'CapInh', 'CapBnd', 'CapAmb'])
      expect(status).toMatch(new RegExp(`^${set}:\t0{16}$`, 'm'))
    // The file of a transfer comes from a port of its own, which such a process may open and bind to the device (Linux 5.7).
    expect(await answering(rig, site)).toEqual(ALL_ANSWER)
    await dhclient(rig, 'rack')
    const script = await curl(rig, 'rack', `/boot.ipxe?mac=${NODE1_MAC}`, '--interface', NODE1_ADDRESS)
    expect(script.stdout).toMatch(/^#!ipxe\n/)
    expect(launcher.log().filter(({ level }) => level >= LEVEL_ERROR)).toEqual([])
  },
  LIMIT_MS,
)

test(
  'the port of a transfer hears the served interface only',
  async () => {
    await serving()
    const ownPorts = async () => (await rig.run('appliance', ['ss', '-Hlun'])).stdout
    const count = (ports: string) => ports.match(/10\.77\.0\.1%eth1:\d{5}/g)?.length ?? 0
    // That of the conflict probe is there all the time.
    const before = count(await ownPorts())
    // Nobody acknowledges, so the transfer stays for seconds.
    const request = Buffer.from('\0\x01undionly.kpxe\0octet\0').toString('hex')
    const ask = [process.execPath, 'test/interop/appliance-ask.ts', '2500', '10.77.0.1', '69', request, 'once']
    const loading = rig.run('rack', ask)
    let ports = ''
    for (const end = Date.now() + 2500; Date.now() < end && count(ports) <= before; ) ports = await ownPorts()
    await loading
    expect(count(ports)).toBeGreaterThan(before)
    expect(ports).not.toMatch(/10\.77\.0\.1:\d/)
  },
  LIMIT_MS,
)

test(
  'sockets of units that forgot BindToDevice= and Broadcast= hear one interface, and reach machines without an address',
  async () => {
    await serving('dhcp:', 'boot-server:', 'dhcp-watch:', 'tftp:', 'dns:', 'dns-tcp:', 'http:', 'https:')
    const { stdout } = await rig.run('appliance', ['ss', '-Hlntu'])
    expect(
      stdout
        .trim()
        .split('\n')
        // The conflict probe asks from a port that the kernel chooses.
        .map(line => (line.split(/\s+/)[4] ?? '').replace(/:[3-6]\d{4}$/, ':any'))
        .toSorted(),
    ).toEqual([
      '0.0.0.0%eth1:67',
      '0.0.0.0%eth1:68',
      '10.77.0.1%eth1:4011',
      '10.77.0.1%eth1:443',
      '10.77.0.1%eth1:53',
      '10.77.0.1%eth1:53',
      '10.77.0.1%eth1:69',
      '10.77.0.1%eth1:80',
      '10.77.0.1%eth1:any',
      // The console, for people on this machine alone.
      '127.0.0.1:8300',
    ])
    expect((await udhcpc(rig, 'office', '-t', '1')).variables.size).toBe(0)
    expect((await udhcpc(rig, 'rack')).variables.get('ip')).toBe(NODE1_ADDRESS)
  },
  LIMIT_MS,
)

describe('a socket that does not fit the site is refused', () => {
  test.each([
    [
      'of another interface',
      'dhcp:eth2',
      'the socket "dhcp" that the service manager handed over hears eth2, not eth1; say `systemctl daemon-reload`, and start it again; or set BindToDevice=eth1 in its unit, or network.interface in the site file',
    ],
    [
      'with another port',
      'http=8080',
      'the socket "http" that the service manager handed over has port 8080, not 80; say `systemctl daemon-reload`, and start it again; or make its unit and the site file name the same port',
    ],
    [
      'for streams instead of datagrams',
      'tftp!',
      'the socket "tftp" that the service manager handed over is no IPv4 udp socket; see its unit: ListenDatagram=0.0.0.0:69',
    ],
  ])(
    'one %s',
    async (_, change, line) => {
      const { code } = await Promise.race([
        launch(change).ended,
        new Promise<{ code: string }>(resolve => setTimeout(() => resolve({ code: 'it goes on' }), END_LIMIT_MS)),
      ])
      expect([code, launcher.stderr]).toEqual([1, `rackrise serve: error: ${line}\n`])
    },
    LIMIT_MS,
  )

  test(
    'one that is missing cannot be opened by nobody',
    async () => {
      const { code } = await launch('-tftp').ended
      expect([code, launcher.stderr]).toEqual([
        1,
        expect.stringMatching(
          /^rackrise serve: error: can't listen on udp 10\.77\.0\.1:69 of eth1: not permitted; [^\n]+\n$/,
        ),
      ])
    },
    LIMIT_MS,
  )
})

test(
  'what nobody keeps is closed to others',
  async () => {
    const { stdout } = await rig.run('appliance', [
      'stat',
      '-c',
      '%a %U',
      rig.path('state'),
      rig.path('state', 'secret.key'),
      rig.path('state', 'state.sqlite'),
    ])
    expect(stdout).toBe('700 nobody\n600 nobody\n600 nobody\n')
    expect(existsSync(rig.path('state', 'tls-key.pem'))).toBe(true)
  },
  LIMIT_MS,
)
