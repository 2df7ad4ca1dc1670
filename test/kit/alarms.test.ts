import { expect, test } from 'vitest'
import {
  type Alarm,
  alarmingLog,
  Alarms,
  gaugeAlarms,
  OTHERS,
  QUIET_MS,
  SUBJECTS_MOST,
  type Trouble,
} from '../../services/kit/alarms.ts'
import { listeningLog } from '../dhcp/rig.ts'
import { FakeMeter } from '../fake/meter.ts'
import { FakeClock } from '../fake/clock.ts'

const HEAT: Trouble = { code: 'hot', severity: 'alarm', message: 'it is hot', hint: 'open a window' }

function rig() {
  const clock = new FakeClock(0)
  const over: Alarm[] = []
  return { clock, over, alarms: new Alarms(clock, alarm => over.push(alarm)) }
}

test('the same trouble is one alarm, counted, with all that is known of it', () => {
  const { clock, alarms } = rig()
  expect(alarms.raise({ ...HEAT, subject: 'attic', details: { celsius: '40' } })).toBe(true)
  clock.advance(1000)
  expect(alarms.raise({ ...HEAT, subject: 'attic', details: { humidity: '80' } })).toBe(false)
  expect(alarms.raise({ ...HEAT, subject: 'cellar' })).toBe(true)
  expect(alarms.list()).toEqual([
    {
      ...HEAT,
      subject: 'attic',
      details: { celsius: '40', humidity: '80' },
      firstSeenAt: 0,
      lastSeenAt: 1000,
      count: 2,
    },
    { ...HEAT, subject: 'cellar', details: {}, firstSeenAt: 1000, lastSeenAt: 1000, count: 1 },
  ])
})

test('it is over when nothing was met of it for a while, and news when it comes again', () => {
  const { clock, over, alarms } = rig()
  alarms.raise(HEAT)
  clock.advance(QUIET_MS - 1)
  alarms.sweep()
  expect(over).toEqual([])
  clock.advance(1)
  alarms.sweep()
  alarms.sweep()
  expect(over.map(({ code, endedAt }) => [code, endedAt])).toEqual([['hot', QUIET_MS]])
  expect(alarms.raise(HEAT)).toBe(true)
  expect(alarms.list()).toMatchObject([{ firstSeenAt: QUIET_MS, count: 1 }])
  clock.advance(QUIET_MS)
  expect(alarms.raise(HEAT)).toBe(true)
  expect(over).toHaveLength(2)
})

test('one that waits to be told lasts until then; those that are over stand behind', () => {
  const { clock, alarms } = rig()
  alarms.raise(HEAT, Number.POSITIVE_INFINITY)
  alarms.raise({ ...HEAT, code: 'wet' })
  clock.advance(1000 * QUIET_MS)
  expect(alarms.list().map(({ code, endedAt }) => [code, endedAt])).toEqual([
    ['hot', undefined],
    ['wet', 1000 * QUIET_MS],
  ])
  alarms.end('hot')
  alarms.end('unheard of')
  expect(alarms.list()[0]?.endedAt).toBe(1000 * QUIET_MS)
})

test('forged subjects take a bounded place, and those that ended make room', () => {
  const { clock, alarms } = rig()
  for (let at = 0; at < 1000; at += 1) alarms.raise({ ...HEAT, subject: `room ${at}` })
  expect(alarms.list()).toHaveLength(SUBJECTS_MOST + 1)
  expect(alarms.list().find(({ subject }) => subject === OTHERS)?.count).toBe(1000 - SUBJECTS_MOST)
  clock.advance(QUIET_MS)
  alarms.raise({ ...HEAT, subject: 'attic' })
  expect(alarms.list().map(({ subject }) => subject)).toContain('attic')
  expect(alarms.list()).toHaveLength(SUBJECTS_MOST + 1)
})

test('a line with something to do is an alarm, others are lines', () => {
  const { alarms } = rig()
  const log = listeningLog()
  const alarming = alarmingLog(log, alarms)
  alarming.error({ reason: 'hot', hint: 'open a window', subject: 'attic', mac: 'm', xid: '7', count: 1 }, 'it is hot')
  alarming.warn({ reason: 'warm', hint: 'wait' }, 'it is warm')
  alarming.warn({ code: 'other' }, 'of another form')
  alarming.info({ reason: 'mild', hint: 'nothing' }, 'it is mild')
  expect(log.lines.map(({ level, fields }) => [level, Object.keys(fields).join()])).toEqual([
    ['error', 'reason,hint,mac,xid,count'],
    ['warn', 'reason,hint'],
    ['warn', 'code'],
    ['info', 'reason,hint'],
  ])
  expect(
    alarms.list().map(({ code, subject, severity, hint, details }) => [code, subject, severity, hint, details]),
  ).toEqual([
    ['hot', 'attic', 'alarm', 'open a window', { mac: 'm' }],
    ['warm', '', 'warning', 'wait', {}],
  ])
})

test('alarms that last are counted by code', () => {
  const { alarms } = rig()
  const meter = new FakeMeter()
  gaugeAlarms(meter, alarms)
  alarms.raise({ ...HEAT, subject: 'attic' })
  alarms.raise({ ...HEAT, subject: 'cellar' })
  alarms.raise({ ...HEAT, code: 'wet', severity: 'warning' })
  alarms.raise({ ...HEAT, code: 'loud' })
  alarms.end('loud')
  expect(meter.read()).toEqual({
    'rackrise_alarms{code="hot",severity="alarm"}': 2,
    'rackrise_alarms{code="wet",severity="warning"}': 1,
  })
})
