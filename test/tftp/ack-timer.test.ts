import { expect, test } from 'vitest'
import { AckTimer } from '../../services/tftp/ack-timer.ts'
import { FakeClock } from '../fake/clock.ts'

function timer() {
  const clock = new FakeClock(0)
  const ran: number[] = []
  return { clock, ran, timer: new AckTimer(clock, () => ran.push(clock.now())) }
}

test('it runs once, when what was set last is over', () => {
  const { clock, ran, timer: ack } = timer()
  ack.set(100)
  clock.advance(60)
  ack.set(100)
  clock.advance(99)
  expect(ran).toEqual([])
  clock.advance(1000)
  expect(ran).toEqual([160])
})

test('a shorter time counts at once', () => {
  const { clock, ran, timer: ack } = timer()
  ack.set(1000)
  ack.set(100)
  clock.advance(1000)
  expect([ran, clock.pendingTimers]).toEqual([[100], 0])
})

test('what is cancelled never runs, and can be set again', () => {
  const { clock, ran, timer: ack } = timer()
  ack.set(100)
  ack.cancel()
  expect(clock.pendingTimers).toBe(0)
  clock.advance(200)
  ack.set(100)
  clock.advance(100)
  expect(ran).toEqual([300])
})

test('a time of day that is set back, or forth, does not keep a client waiting', () => {
  const { clock, ran, timer: ack } = timer()
  ack.set(100)
  clock.advance(50)
  ack.set(100)
  clock.set(-3_600_000)
  clock.advance(100)
  expect(ran).toEqual([-3_599_900])
  ack.set(100)
  clock.set(3_600_000)
  clock.advance(100)
  expect(ran).toHaveLength(2)
})
