/** The site file is loaded again while machines go on: nothing is lost, nothing is answered by half of each, and a wrong file changes nothing. */
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ALL_ANSWER, answering, dig } from './appliance-clients.ts'
import { ISO, LEVEL_ERROR, LOADER_BYTES, Rig, type Running, until } from './appliance-rig.ts'

const LIMIT_MS = 90_000
const RELOADS = 50
const ISO_BYTES = 64 * 1024 * 1024

let rig: Rig
let site: string
let appliance: Running
let text: string

/** Router, lease time and NTP server, all three of one file. */
const SETS = [
  { router: '10.77.0.254', ntp: '10.77.0.5', lease: '1h', record: '10.77.0.5', hex: '0a4d00fe 00000e10 0a4d0005' },
  { router: '10.77.0.253', ntp: '10.77.0.6', lease: '30m', record: '10.77.0.6', hex: '0a4d00fd 00000708 0a4d0006' },
]

function write({ router, ntp, lease, record }: (typeof SETS)[number], more = ''): void {
  const changed = text
    .replace('mode = "server"', `mode = "server"\nprobe = false\nlease-time = "${lease}"`)
    .replace('10.77.0.199"]', `10.77.0.199"]\nrouter = "${router}"\nntp = ["${ntp}"]`)
    .replace('value = "10.77.0.5"', `value = "${record}"`)
  writeFileSync(site, `${changed}${more}`)
}

beforeAll(async () => {
  rig = await Rig.open('reload')
  truncateSync(rig.path('isos', ISO), ISO_BYTES)
  site = rig.site()
  text = readFileSync(site, 'utf8')
  write(SETS[0]!)
  appliance = await rig.serve(site)
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

const loadings = (): number => appliance.log().filter(({ reason }) => reason === 'site-loaded').length

async function hangUp(): Promise<void> {
  const before = loadings()
  appliance.child.kill('SIGHUP')
  await until('a reload', () => loadings() > before)
}

test(
  'M04 fifty reloads while machines boot, load and are watched: none unanswered, none mixed, nothing is cut',
  async () => {
    const clients = rig.spawn('rack', [
      process.execPath,
      'test/interop/appliance-reload-clients.ts',
      ...SETS.map(({ hex }) => hex),
    ])
    await clients.untilSaid('going')
    const loading = rig.spawn('rack', [
      ...[
        'curl',
        '-sS',
        '--max-time',
        '60',
        '--limit-rate',
        '6M',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code} %{size_download}',
      ],
      `http://10.77.0.1/isos/${ISO}/proxmox.iso`,
    ])
    const socket = rig.path('state', 'control.sock')
    const events = rig.spawn('appliance', ['curl', '-sSN', '--unix-socket', socket, 'http://localhost/api/v1/events'])
    await events.untilSaid('hello')
    for (let count = 1; count <= RELOADS; count++) {
      write(SETS[count % 2]!)
      await hangUp()
    }
    expect(events.running).toBe(true)
    const heard = (): unknown[] =>
      [...events.stdout.matchAll(/^event: site\ndata: (.*)\n\n/gm)].map(([, data]) => JSON.parse(data!) as unknown)
    await until('all of them are heard', () => heard().length === RELOADS)
    expect(heard()[0]).toMatchObject({ by: 'SIGHUP', outcome: 'loaded', counts: { machines: 0, starts: 0 } })
    expect((await dig(rig, 'rack', 'mirror.rack7.example.org')).stdout).toBe('10.77.0.5\n')
    clients.child.kill('SIGTERM')
    await clients.ended
    const told = JSON.parse(clients.stdout.split('\n')[1] ?? clients.stderr) as Record<string, unknown> & {
      bySet: Record<string, number>
      asked: number
      tls: { requests: number; connections: number }
    }
    expect(told).toMatchObject({ unanswered: 0, refused: 0, mixed: [], transferred: LOADER_BYTES })
    expect(told['acknowledged']).toBe(told.asked)
    expect(told.asked).toBeGreaterThan(200)
    expect(Object.keys(told.bySet).toSorted()).toEqual(SETS.map(({ hex }) => hex).toSorted())
    expect(told.tls.connections).toBe(1)
    expect(told.tls.requests).toBeGreaterThan(10)
    await loading.ended
    expect(loading.stdout).toBe(`200 ${ISO_BYTES}`)
    await events.kill()
    expect(appliance.log().filter(({ level }) => level >= LEVEL_ERROR)).toEqual([])
  },
  LIMIT_MS,
)

test(
  'M04 a refused file changes nothing, and all that is wrong with it is told in the order of the file',
  async () => {
    write(SETS[0]!, '[http]\nport = 8080\n[console]\nlisten = "127.0.0.1:8301"\n')
    const refused = await rig.cli(site, 'reload')
    expect([refused.status, refused.stdout]).toEqual([1, ''])
    const lines = refused.stderr.split('\n').map(line => line.replace(`${rig.folder}/`, ''))
    expect(lines.filter(line => !line.includes(': warning: '))).toEqual([
      expect.stringMatching(/^site-1\.toml:\d+:1: error: http\.port can't change .* 80, and would be 8080; restart /),
      expect.stringMatching(/^site-1\.toml:\d+:1: error: console\.listen can't change .*; restart the appliance, /),
      'rackrise reload: nothing was changed; the site file of before is served on',
      '',
    ])
    writeFileSync(site, readFileSync(site, 'utf8').replace('domain =', 'domian ='))
    const broken = await rig.cli(site, 'reload', '--json')
    expect([broken.status, (JSON.parse(broken.stdout) as { problems: { code: string }[] }).problems[0]?.code]).toEqual([
      1,
      'unknown-key',
    ])
    // The socket of the appliance is not where that file says.
    writeFileSync(site, text.replace(`state = "${rig.path('state')}"`, `state = "${rig.path('elsewhere')}"`))
    const moved = await rig.cli(site, 'reload')
    expect([moved.status, moved.stderr.split('\n').find(line => line.includes(': error: '))]).toEqual([
      1,
      expect.stringMatching(
        /site-1\.toml:\d+:1: error: paths\.state can't change .*\/elsewhere; stop the appliance, move /,
      ),
    ])
    expect((await rig.cli(site, 'machine', 'list')).status).toBe(0)
    expect(existsSync(rig.path('elsewhere'))).toBe(false)
    writeFileSync(site, readFileSync(site, 'utf8').replace('domain =', 'domian ='))
    appliance.child.kill('SIGHUP')
    await until('a refusal', () =>
      appliance.log().find(({ reason, by }) => reason === 'site-refused' && by === 'SIGHUP'),
    )
    write(SETS[0]!)
    expect(await answering(rig, site)).toEqual(ALL_ANSWER)
  },
  LIMIT_MS,
)

test(
  'rackrise reload shows what would change, loudly whom it would install, and then does it',
  async () => {
    write(
      SETS[1]!,
      '[[machine]]\nname = "node2"\nmac = ["52:54:00:77:00:22"]\nserial = "7K2QX93"\nprofile = "pve"\napprove = true\n',
    )
    const shown = await rig.cli(site, 'reload', '--check')
    expect([shown.status, shown.stdout.replace(/[0-9a-f]{12}/, 'SHA')]).toEqual([
      0,
      [
        'would be loaded: 4 changes of the site, 1 machine with it (SHA-256 SHA)',
        '  dhcp.lease-time 1h -> 30m',
        '~ subnet 10.77.0.0/24: router 10.77.0.254 -> 10.77.0.253; ntp 10.77.0.5 -> 10.77.0.6',
        '- record mirror.rack7.example.org A 10.77.0.5',
        '+ record mirror.rack7.example.org A 10.77.0.6',
        '+ node2: name none -> node2; serial none -> 7K2QX93; approve false -> true',
        'INSTALLS 1 MACHINE at the next boot, which erases its disks:',
        '! node2  serial 7K2QX93  52:54:00:77:00:22',
        '',
      ].join('\n'),
    ])
    expect((await rig.cli(site, 'machine', 'list')).stdout).not.toContain('node2')
    const done = await rig.cli(site, 'reload')
    expect([done.status, done.stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^loaded: 4 changes of the site/),
    ])
    expect((await rig.cli(site, 'machine', 'list')).stdout).toMatch(/^node2\s+approved/m)
    const again = await rig.cli(site, 'reload', '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ reloaded: true, changes: [], machines: [] })
  },
  LIMIT_MS,
)
