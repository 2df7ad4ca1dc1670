import { expect, test } from 'vitest'
import { repeat } from '../../services/kit/repeat.ts'
import { FakeClock } from '../fake/clock.ts'

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('the next run begins a pause after the last one ended', async () => {
  const clock = new FakeClock()
  const ends: (() => void)[] = []
  repeat(
    clock,
    100,
    () => new Promise(resolve => ends.push(resolve)),
    () => {},
  )
  clock.advance(250)
  expect(ends.length).toBe(1)
  ends[0]!()
  await settled()
  clock.advance(99)
  expect(ends.length).toBe(1)
  clock.advance(1)
  expect(ends.length).toBe(2)
})

test('a failure is told, and the task is tried again', async () => {
  const clock = new FakeClock()
  const failures: unknown[] = []
  let runs = 0
  repeat(
    clock,
    100,
    () => Promise.reject(new Error(`run ${++runs}`)),
    error => failures.push(error),
  )
  clock.advance(100)
  await settled()
  clock.advance(100)
  await settled()
  expect(failures.map(String)).toEqual(['Error: run 1', 'Error: run 2'])
})

test('stopped between two runs, it holds no timer', async () => {
  const clock = new FakeClock()
  await repeat(
    clock,
    100,
    async () => {},
    () => {},
  )()
  expect(clock.pendingTimers).toBe(0)
})

test('stopped while it runs, it waits for the end and does not begin again', async () => {
  const clock = new FakeClock()
  let end = (): void => {}
  const stop = repeat(
    clock,
    100,
    () => new Promise(resolve => (end = resolve)),
    () => {},
  )
  clock.advance(100)
  const stopped = stop()
  end()
  await stopped
  await settled()
  expect(clock.pendingTimers).toBe(0)
})
