import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { machineTable, timelineLine } from '../../services/cli/machine.ts'
import { NODE1, NODE2 } from '../machine/rig.ts'
import { goodSite, type Ran, rackrise } from './rig.ts'
import { operatorName } from '../../services/cli/state.ts'
import type { MachineView, TimelineEntry } from '../../services/console/schema/machine.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const NOW = Date.UTC(2026, 0, 1, 12)
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString()

function view(partial: Partial<MachineView>): MachineView {
  return {
    id: NODE1,
    name: 'node1',
    macs: [NODE1],
    state: 'held',
    listed: 'machine',
    attempts: 0,
    firstSeenAt: ago(0),
    heardAt: ago(5),
    ...partial,
  }
}

describe('the table', () => {
  const views = [
    view({
      serial: '7K2QX93',
      address: '10.77.0.11',
      state: 'booting',
      progress: { file: 'initrd', sent: 50, total: 200, bytesPerSecond: 117 * 1024 * 1024 },
    }),
    view({ name: 'a-longer-name', macs: [NODE2], state: 'failed', reason: 'no disk', heardAt: ago(3 * 60) }),
    view({ name: 'node3', heardAt: ago(3 * 3600), progress: { file: 'kernel', sent: 1, total: 0, bytesPerSecond: 0 } }),
  ]

  test('columns as wide as what is in them, what matters last', () => {
    expect(machineTable(views, NOW)).toBe(
      [
        'NAME           STATE    ADDRESS     MAC                SERIAL   HEARD',
        'node1          booting  10.77.0.11  bc:24:11:ab:12:21  7K2QX93  5 s ago    iso 25 % at 117.0 MiB/s',
        'a-longer-name  failed               bc:24:11:ab:12:22           3 min ago  no disk',
        'node3          held                 bc:24:11:ab:12:21           3 h ago',
      ].join('\n'),
    )
  })

  test('on a terminal, what has no room is below', () => {
    expect(machineTable(views, NOW, { width: 80 })).toBe(
      [
        'NAME           STATE    ADDRESS     MAC                SERIAL   HEARD',
        'node1          booting  10.77.0.11  bc:24:11:ab:12:21  7K2QX93  5 s ago',
        '    iso 25 % at 117.0 MiB/s',
        'a-longer-name  failed               bc:24:11:ab:12:22           3 min ago',
        '    no disk',
        'node3          held                 bc:24:11:ab:12:21           3 h ago',
      ].join('\n'),
    )
  })

  test('no machine: the head only', () => {
    expect(machineTable([], NOW)).toBe('NAME  STATE  ADDRESS  MAC  SERIAL  HEARD')
  })

  test('with the clock set back nothing was heard in the future', () => {
    expect(machineTable([view({ heardAt: ago(-500) })], NOW)).toContain('  0 s ago')
  })
})

test.each<[Partial<TimelineEntry>, string]>([
  [{}, '2026-01-01 12:04:31.207  dhcp      gave 10.77.0.11 to the firmware, loader snponly.efi'],
  [
    { source: 'operator', text: 'approved by an operator: attempt 3f9c21aa' },
    '2026-01-01 12:04:31.207  operator  approved by an operator: attempt 3f9c21aa',
  ],
  [
    { anomaly: 'attempt 3f9c21aa is not the latest' },
    '2026-01-01 12:04:31.207  dhcp      gave 10.77.0.11 to the firmware, loader snponly.efi  [changed nothing: attempt 3f9c21aa is not the latest]',
  ],
])('a line of the timeline: %j', (partial, line) => {
  const entry: TimelineEntry = {
    at: '2026-01-01T12:04:31.207Z',
    source: 'dhcp',
    type: 'leased',
    text: 'gave 10.77.0.11 to the firmware, loader snponly.efi',
    ...partial,
  }
  expect(timelineLine(entry)).toBe(line)
})

test('on a terminal the text of the timeline stays in its column', () => {
  const entry: TimelineEntry = {
    at: '2026-01-01T12:04:31.207Z',
    source: 'http',
    type: 'seen',
    text: `seen as ${NODE1} (PowerEdge R650, serial 7K2QX93, uuid 77000000-0000-4000-8000-000000000001)`,
  }
  expect(timelineLine(entry, 80).split('\n')).toEqual([
    '2026-01-01 12:04:31.207  http      seen as bc:24:11:ab:12:21 (PowerEdge R650,',
    '                                   serial 7K2QX93, uuid',
    '                                   77000000-0000-4000-8000-000000000001)',
  ])
})

describe('without a running appliance, on the state on disk', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    ;({ folder, file } = await goodSite())
  })
  afterEach(() => rm(folder, { recursive: true }))

  const machine = (...args: string[]): Promise<Ran> => rackrise(folder, 'machine', ...args, '--config', file)
  const json = async (...args: string[]): Promise<unknown> =>
    JSON.parse((await machine(...args, '--json')).out) as unknown

  test('list, approve, block, and the timeline that tells it', async () => {
    const list = await machine('list')
    expect(list.out.split('\n').map(line => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ['NAME', 'STATE', 'ADDRESS'],
      ['node1', 'held', NODE1],
      ['node2', 'held', NODE2],
      [''],
    ])
    const approved = await machine('approve', 'node1', NODE2, '--reason', 'new disks')
    expect(approved).toEqual({
      status: 0,
      err: '',
      out: `node1 (${NODE1}) is approved; it installs at its next network boot, which erases its disks\nnode2 (${NODE2}) is approved; it installs at its next network boot, which erases its disks\n`,
    })
    expect(await machine('block', 'node2')).toEqual({ status: 0, out: `node2 (${NODE2}) is blocked\n`, err: '' })
    const { out } = await machine('timeline', 'node2')
    expect(out.replaceAll(/^\S+ \S+/gm, 'AT').replace(/[0-9a-f]{8}(?= \()/, 'A')).toBe(
      `AT  site      seen as ${NODE2}\nAT  operator  approved by ${operatorName()}: attempt A (new disks)\nAT  operator  blocked by ${operatorName()}\n`,
    )
    expect(((await stat(join(folder, 'state'))).mode & 0o777).toString(8)).toBe('700')
  })

  test('--json is JSON, one value or one value a line', async () => {
    expect(await json('list')).toMatchObject([{ name: 'node1' }, { name: 'node2' }])
    expect(await json('show', 'node1')).toMatchObject({ name: 'node1', state: 'held' })
    expect(await json('approve', 'node1')).toMatchObject({ name: 'node1', state: 'approved' })
    expect(await json('reinstall', 'node7')).toMatchObject({ problems: [{ code: 'unknown-machine' }] })
    const { out } = await machine('timeline', 'node1', '--json')
    expect(
      out
        .trimEnd()
        .split('\n')
        .map(line => (JSON.parse(line) as TimelineEntry).type),
    ).toEqual(['sighted', 'attempt-started'])
  })

  test('show', async () => {
    const { status, out } = await machine('show', 'NODE1')
    expect(status).toBe(0)
    expect(out.replace(/heard .*/, 'heard       AT')).toBe(
      `node1\n  state       held\n  fqdn        node1.rack.test\n  mac         ${NODE1}\n  profile     pve\n  known from  a machine of the site file\n  heard       AT\n`,
    )
  })

  test('one order of several that cannot be carried out: the others are, and the status says so', async () => {
    const { status, out, err } = await machine('approve', 'node7', 'node1')
    expect([status, err]).toEqual([
      1,
      'node7: error: no machine "node7"; see `rackrise machine list`; a machine is known once it was listed or asked for an address\n',
    ])
    expect(out).toMatch(/^node1 .* is approved; /)
  })

  test('what is wrong with the environment is one line', async () => {
    await writeFile(join(folder, 'state'), 'a file where the folder should be')
    const { status, out, err } = await machine('list')
    expect([status, out]).toEqual([1, ''])
    expect(err).toMatch(
      /^rackrise machine: error: can't make the state folder [^\n]*; set paths\.state to a folder that this user may write\n$/,
    )
  })
})
