/** What the service manager hears of a running appliance. */
import { describe, expect, test } from 'vitest'
import { keepTold } from '../../services/cli/managed.ts'
import { servingStatus, type Standing } from '../../services/cli/serving-status.ts'
import { ServiceManager } from '../../services/kit/notify.ts'
import { FakeClock } from '../fake/clock.ts'

const rack = (...states: Standing['states']): Standing => ({ site: 'rack-7', device: 'eth1', states, alarms: 0 })

describe('the line of `systemctl status`', () => {
  test.each<[string, Standing, string]>([
    ['nobody yet', rack(), 'serving rack-7 on eth1: 0 machines'],
    ['a quiet rack', rack('installed', 'installed', 'blocked'), 'serving rack-7 on eth1: 3 machines'],
    ['one machine', rack('held'), 'serving rack-7 on eth1: 1 machine, 1 held'],
    [
      'a busy one',
      rack('installed', 'booting', 'installing', 'approved', 'failed', 'stalled', 'held', 'held'),
      'serving rack-7 on eth1: 8 machines, 2 installing, 1 approved, 1 failed, 1 stalled, 2 held',
    ],
    [
      'an alarm',
      { ...rack('installed'), alarms: 1 },
      'serving rack-7 on eth1: 1 machine; 1 alarm, see rackrise alarm list',
    ],
    [
      'two',
      { ...rack('installed'), alarms: 2 },
      'serving rack-7 on eth1: 1 machine; 2 alarms, see rackrise alarm list',
    ],
  ])('%s', (_, standing, line) => {
    expect(servingStatus(standing)).toBe(line)
  })
})

describe('while it runs', () => {
  async function pass(clock: FakeClock, seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000)
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  test('M10 the event loop says that it turns, at half of the watchdog’s time, until it is stopped', async () => {
    const clock = new FakeClock()
    const told: string[] = []
    const manager = new ServiceManager(
      text => told.push(text) > 0,
      () => 0n,
      15_000,
    )
    const stop = keepTold(manager, clock, () => 'serving')
    await pass(clock, 46)
    expect(told).toEqual(['WATCHDOG=1', 'STATUS=serving', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
    await stop()
    await pass(clock, 60)
    expect(told).toHaveLength(5)
  })

  test('the status is told when it is news', async () => {
    const clock = new FakeClock()
    const told: string[] = []
    const manager = new ServiceManager(
      text => told.push(text) > 0,
      () => 0n,
    )
    let status = '1 machine'
    const stop = keepTold(manager, clock, () => status)
    await pass(clock, 12)
    status = '2 machines'
    await pass(clock, 12)
    await stop()
    expect(told).toEqual(['STATUS=1 machine', 'STATUS=2 machines'])
  })

  test('nobody counts machines for a manager that is not there', async () => {
    const clock = new FakeClock()
    let asked = 0
    const stop = keepTold(new ServiceManager(undefined, () => 0n, 15_000), clock, () => `${asked++}`)
    await pass(clock, 60)
    await stop()
    expect(asked).toBe(0)
  })
})
