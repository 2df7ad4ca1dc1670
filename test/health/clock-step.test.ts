/** What is said when somebody sets the clock. */
import { expect, test } from 'vitest'
import { alarmOfSteps, steppedTrouble } from '../../services/health/clock-step.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { FakeClock } from '../fake/clock.ts'
import { HeardLog } from '../machine/rig.ts'

const NOW = Date.UTC(2026, 10, 26, 12, 0)

test.each([
  [3_600_000, 'forward by 60 minutes, to 2026-11-26 12:00 UTC'],
  [365 * 86_400_000, 'forward by 365 days, to 2026-11-26 12:00 UTC'],
  [-30_000, 'back by 30 seconds, to 2026-11-26 12:00 UTC'],
  [-7_200_000, 'back by 2 hours, to 2026-11-26 12:00 UTC'],
])('%i ms', (byMs, words) => {
  expect(steppedTrouble(byMs, NOW).message).toBe(`the clock of this host was set ${words}`)
})

test('it is an alarm and a line, and the clock is looked at anew', () => {
  const [clock, log] = [new FakeClock(NOW), new HeardLog()]
  const alarms = new Alarms(clock)
  let looks = 0
  const stop = alarmOfSteps(clock, { alarms, log }, () => looks++)
  clock.set(NOW - 7_200_000)
  stop()
  clock.set(NOW)
  expect(log.of('warn')).toEqual(['warn the clock of this host was set back by 2 hours, to 2026-11-26 10:00 UTC'])
  expect([looks, alarms.list().map(({ code }) => code)]).toEqual([1, ['clock-stepped']])
})
