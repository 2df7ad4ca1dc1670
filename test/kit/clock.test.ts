/** The clock of the host and somebody who sets it. */
import { expect, test } from 'vitest'
import { STEP_MS, systemClock, watchedClock } from '../../services/kit/clock.ts'

function bench() {
  const [time, heard] = [{ wall: 1_000_000, even: 0 }, [] as [byMs: number, now: number][]]
  const clock = watchedClock(
    () => time.wall,
    () => time.even,
  )
  const pass = (ms: number): void => {
    time.wall += ms
    time.even += ms
  }
  const stop = clock.onStep((byMs, now) => heard.push([byMs, now]))
  return { time, heard, clock, pass, stop }
}

test('time that passes is no step, however much of it', () => {
  const { heard, clock, pass } = bench()
  pass(86_400_000)
  expect([clock.now(), clock.elapsed(), heard]).toEqual([87_400_000, 86_400_000, []])
})

test.each([3_600_000, -3_600_000, 365 * 86_400_000, STEP_MS, -STEP_MS])(
  'a step of %i ms is heard before anybody is told the new time, once',
  byMs => {
    const { time, heard, clock, pass } = bench()
    pass(500)
    time.wall += byMs
    const told = clock.now()
    expect(heard).toEqual([[byMs, told]])
    pass(500)
    clock.now()
    expect(heard).toHaveLength(1)
  },
)

test('what a time service corrects little by little is none', () => {
  const { time, heard, clock, pass } = bench()
  for (let turn = 0; turn < 10_000; turn++) {
    pass(100)
    time.wall += 5
    clock.now()
  }
  expect(heard).toEqual([])
})

test('who does not want to hear any more is told nothing', () => {
  const { time, heard, clock, stop } = bench()
  stop()
  time.wall += 3_600_000
  clock.now()
  expect(heard).toEqual([])
})

test('the count of this host goes on evenly', async () => {
  const before = systemClock.elapsed()
  await new Promise<void>(resolve => systemClock.after(20, resolve))
  expect(systemClock.elapsed() - before).toBeGreaterThanOrEqual(19)
})
