import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { leaseTable, whenInWords } from '../../services/cli/lease.ts'
import { addLeaseApi } from '../../services/console/lease-api.ts'
import { localLeases, storedLeases } from '../../services/console/leases.ts'
import { closeConsoleApp } from '../../services/console/app.ts'
import { socketApp } from '../console/rig.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { openStore } from '../../services/store/store.ts'
import { MemoryStore } from '../dhcp/rig.ts'
import { Fleet, LISTED, NODE1, NODE2, siteOf } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'
import { rackrise } from './rig.ts'
import type { LeaseView } from '../../services/console/schema/lease.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const NOW = Date.UTC(2026, 0, 1, 12)
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString()

test.each([
  [1, 'in 1 s'],
  [119, 'in 119 s'],
  [120, 'in 2 min'],
  [3599, 'in 59 min'],
  [2 * 3600, 'in 2 h'],
  [3 * 86_400, 'in 3 days'],
  [0, '0 s ago'],
  [-90, '90 s ago'],
  [-3 * 3600, '3 h ago'],
])('%i seconds from now are %s', (seconds, words) => {
  expect(whenInWords(at(seconds), NOW)).toBe(words)
})

test('the table has columns as wide as what is in them', () => {
  const views: LeaseView[] = [
    { address: '10.77.0.9', mac: NODE1, name: 'node1', state: 'bound', boundAt: at(0), expiresAt: at(1800) },
    { address: '10.77.0.100', mac: NODE2, state: 'quarantine', boundAt: at(0), expiresAt: at(-60) },
  ]
  expect(leaseTable(views, NOW)).toBe(
    [
      'ADDRESS      MAC                NAME   STATE       EXPIRES',
      '10.77.0.9    bc:24:11:ab:12:21  node1  bound       in 30 min',
      '10.77.0.100  bc:24:11:ab:12:22         quarantine  60 s ago',
    ].join('\n'),
  )
})

let folder: string
let state: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-lease-'))
  state = join(folder, 'state')
  file = join(folder, 'site.toml')
  await writeFile(file, `${WITH_PROFILE}${LISTED}[paths]\nstate = "${state}"\n`)
})
afterEach(() => rm(folder, { recursive: true }))

const lease = (address: string, mac: string): LeaseRecord => ({
  address: address as Ipv4,
  mac: mac as LeaseRecord['mac'],
  state: 'bound',
  boundAt: Date.now(),
  expiresAt: Date.now() + 3_600_000,
})

const run = (...args: string[]) => rackrise(folder, 'lease', ...args, '--config', file)

describe('without an appliance, on the state on disk', () => {
  test('nothing was leased yet', async () => {
    expect(await run('list')).toEqual({ status: 0, out: 'no address was leased yet\n', err: '' })
  })

  test('list shows what is there, and what is released stays released', async () => {
    const store = await openStore(state)
    await store.leases.put(lease('10.77.0.100', NODE2))
    await store.leases.put(lease('10.77.0.11', NODE1))
    await store.close()
    const { status, out, err } = await run('list')
    expect([status, err]).toEqual([0, ''])
    expect(out).toMatch(
      /^ADDRESS +MAC +NAME +STATE +EXPIRES\n10\.77\.0\.11 +bc:24:11:ab:12:21 +node1 +bound +in 59 min\n10\.77\.0\.100 +bc:24:11:ab:12:22 +bound +in 59 min\n$/,
    )
    expect(await run('release', 'node1', '10.77.0.9', NODE2)).toEqual({
      status: 1,
      out: `10.77.0.11 of node1 (${NODE1}) is free for others; a machine that runs uses it until it renews\n10.77.0.100 of ${NODE2} is free for others; a machine that runs uses it until it renews\n`,
      err: 'error: no lease of "10.77.0.9"; see `rackrise lease list`; a lease is named by its address, or by the MAC or name of its machine\n',
    })
    const views = JSON.parse((await run('list', '--json')).out) as LeaseView[]
    expect(views.map(({ address, name, state: word }) => [address, name, word])).toEqual([
      ['10.77.0.11', 'node1', 'released'],
      ['10.77.0.100', undefined, 'released'],
    ])
  })
})

describe('with a running appliance, through its control socket', () => {
  let close: () => Promise<void>
  let leases: MemoryStore
  let fleet: Fleet

  beforeEach(async () => {
    fleet = await Fleet.open(siteOf())
    const { registry, clock, log } = fleet
    leases = new MemoryStore()
    await leases.put(lease('10.77.0.11', NODE1))
    const app = await socketApp(log)
    addLeaseApi(
      app,
      localLeases(storedLeases(leases, clock), registry, clock, async () => {}),
    )
    await mkdir(state, { mode: 0o700 })
    await app.listen({ path: join(state, 'control.sock') })
    close = () => closeConsoleApp(app)
  })
  afterEach(() => close())

  test('list and release are those of the appliance', async () => {
    expect((await run('list')).out).toContain('10.77.0.11  bc:24:11:ab:12:21  node1  bound')
    const { status, out } = await run('release', 'BC-24-11-AB-12-21', '--json')
    expect([status, JSON.parse(out)]).toEqual([
      0,
      expect.objectContaining({ address: '10.77.0.11', name: 'node1', state: 'released' }),
    ])
    expect(leases.records.get('10.77.0.11' as Ipv4)?.state).toBe('released')
  })

  test('what an installed system has written down is shown, refused, and given up where that is meant', async () => {
    const { registry } = fleet
    const attempt = await registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
    if (typeof attempt !== 'string') throw new Error(attempt.message)
    const served = { attempt, address: '10.77.0.11', layers: [], sha256: '', leftOut: [], withToken: true }
    await fleet.happen(NODE1, { type: 'answer-served', ...served, staticOn: NODE1 })
    expect((await run('list')).out).toContain('10.77.0.11  bc:24:11:ab:12:21  node1  reserved  never')
    const refused = await run('release', 'node1')
    expect([refused.status, refused.err]).toEqual([
      1,
      'error: the installed system of node1 has 10.77.0.11 written down and uses it, heard or not; reinstall it with another network source, or give the address up all the same: `rackrise lease release --force 10.77.0.11`\n',
    ])
    expect((await run('release', '--force', 'node1')).status).toBe(0)
    expect((await run('list')).out).toContain('10.77.0.11  bc:24:11:ab:12:21  node1  released')
  })

  test('what the appliance refuses is refused here, with its words', async () => {
    const { status, out } = await run('release', 'node7', '--json')
    expect([status, JSON.parse(out)]).toEqual([
      1,
      { problems: [expect.objectContaining({ code: 'unknown-lease', message: 'no lease of "node7"' })] },
    ])
  })
})

describe('a command line that is wrong', () => {
  test.each([
    [[], 'rackrise lease: say which of list, release; see `rackrise lease --help`'],
    [['drop'], 'rackrise lease: there is no "lease drop", but list, release; see `rackrise lease --help`'],
    [['list', 'node1'], 'rackrise lease: "node1" is too much; see `rackrise lease --help`'],
    [
      ['release'],
      'rackrise lease: lease release needs an address, or the MAC or name of a machine; see `rackrise lease --help`',
    ],
  ])('%j', async (args, line) => {
    expect(await run(...args)).toEqual({ status: 2, out: '', err: `${line}\n` })
  })
})
