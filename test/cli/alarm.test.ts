import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { alarmText } from '../../services/cli/alarm.ts'
import { addAlarmApi } from '../../services/console/alarm-api.ts'
import { closeConsoleApp } from '../../services/console/app.ts'
import { socketApp } from '../console/rig.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { FakeClock } from '../fake/clock.ts'
import { Fleet, LISTED, siteOf } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'
import { rackrise } from './rig.ts'
import type { AlarmView } from '../../services/console/schema/alarm.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const NOW = Date.UTC(2026, 0, 1, 12)
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString()

const OTHER: AlarmView = {
  code: 'other-server',
  subject: '10.77.0.2',
  severity: 'alarm',
  message: 'the server 10.77.0.2 gives addresses: it offered 10.77.0.150 to bc:24:11:ab:12:21',
  action: 'switch it off',
  details: { server: '10.77.0.2', serverMac: '02:00:00:00:00:02' },
  firstSeenAt: at(-600),
  lastSeenAt: at(-30),
  count: 3,
}

test('an alarm is what, how long, in words, the facts, and what to do; what is over stands there shortly', () => {
  const over: AlarmView = {
    code: 'store-failed',
    severity: 'alarm',
    message: 'the lease could not be written',
    action: 'make room',
    details: {},
    firstSeenAt: at(-9000),
    lastSeenAt: at(-8000),
    count: 1,
    endedAt: at(-7200),
  }
  expect(alarmText([OTHER, { ...OTHER, count: 1 }, over], NOW)).toBe(
    [
      'alarm other-server 10.77.0.2: first 10 min ago, 3 times, last 30 s ago',
      '  the server 10.77.0.2 gives addresses: it offered 10.77.0.150 to bc:24:11:ab:12:21',
      '  server 10.77.0.2, serverMac 02:00:00:00:00:02',
      '  what to do: switch it off',
      'alarm other-server 10.77.0.2: first 10 min ago',
      '  the server 10.77.0.2 gives addresses: it offered 10.77.0.150 to bc:24:11:ab:12:21',
      '  server 10.77.0.2, serverMac 02:00:00:00:00:02',
      '  what to do: switch it off',
      'over store-failed: ended 2 h ago',
      '  the lease could not be written',
      '  what to do: make room',
    ].join('\n'),
  )
})

test('on a terminal what goes on is indented more than what comes next', () => {
  expect(alarmText([OTHER], NOW, 80).split('\n')).toEqual([
    'alarm other-server 10.77.0.2: first 10 min ago, 3 times, last 30 s ago',
    '  the server 10.77.0.2 gives addresses: it offered 10.77.0.150 to',
    '    bc:24:11:ab:12:21',
    '  server 10.77.0.2, serverMac 02:00:00:00:00:02',
    '  what to do: switch it off',
  ])
})

let folder: string
let state: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-alarm-'))
  state = join(folder, 'state')
  file = join(folder, 'site.toml')
  await writeFile(file, `${WITH_PROFILE}${LISTED}[paths]\nstate = "${state}"\n`)
})
afterEach(() => rm(folder, { recursive: true }))

const run = (...args: string[]) => rackrise(folder, 'alarm', ...args, '--config', file)

test('without a running appliance there are none, and the way to start one is told', async () => {
  expect(await run('list')).toEqual({
    status: 1,
    out: '',
    err: `rackrise alarm: error: no appliance runs on the state in ${state}, and alarms are kept by the appliance that runs; start it with \`rackrise serve\`, or name its site file with --config\n`,
  })
})

describe('with a running appliance, through its control socket', () => {
  let close: () => Promise<void>
  let alarms: Alarms

  beforeEach(async () => {
    const { log } = await Fleet.open(siteOf())
    alarms = new Alarms(new FakeClock(NOW))
    const app = await socketApp(log)
    addAlarmApi(app, alarms)
    await mkdir(state, { mode: 0o700 })
    await app.listen({ path: join(state, 'control.sock') })
    close = () => closeConsoleApp(app)
  })
  afterEach(() => close())

  test('nothing to look at', async () => {
    expect(await run('list')).toEqual({ status: 0, out: 'there is nothing to look at\n', err: '' })
    expect((await run('list', '--json')).out).toBe('[]\n')
  })

  test('what there is, for people and for programs', async () => {
    alarms.raise({ code: 'hot', severity: 'warning', message: 'it is hot', hint: 'open a window' })
    expect((await run('list')).out).toMatch(
      /^warning hot: first .* ago\n {2}it is hot\n {2}what to do: open a window\n$/,
    )
    expect(JSON.parse((await run('list', '--json')).out)).toEqual([
      {
        code: 'hot',
        severity: 'warning',
        message: 'it is hot',
        action: 'open a window',
        details: {},
        firstSeenAt: at(0),
        lastSeenAt: at(0),
        count: 1,
      },
    ])
  })
})

test.each([
  [[], 'say `alarm list`'],
  [['drop'], 'there is no "alarm drop", but list'],
  [['list', 'x'], '"x" is too much'],
])('a command line that is wrong: %j', async (args, line) => {
  expect(await run(...args)).toEqual({
    status: 2,
    out: '',
    err: `rackrise alarm: ${line}; see \`rackrise alarm --help\`\n`,
  })
})
