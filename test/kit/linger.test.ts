import { expect, test } from 'vitest'
import { Linger, LINGER_MS, RESTS_MOST, TURN_MS } from '../../services/kit/linger.ts'

/** One turn at peers that answer after so many milliseconds, with a look each hundredth of one; returns how often they were heard, and how long it took. */
function turn(linger: Linger, start: number, answersAfter: number): { heard: number; lasted: number } {
  const step = 0.01
  let now = start
  let answerAt = now + answersAfter
  let heard = 0
  linger.begin(now)
  for (let found = true; linger.goesOn(found, now); now += step) {
    found = now >= answerAt
    if (!found) continue
    heard += 1
    answerAt = now + answersAfter
  }
  return { heard, lasted: now - start }
}

test('M08 a turn ends, however quickly peers answer', () => {
  const { heard, lasted } = turn(new Linger(), 1000, 0.04)
  expect(heard).toBeGreaterThan(15)
  expect(lasted).toBeLessThan(TURN_MS + 0.1)
})

test('nobody who answers ends the turn after a moment', () => {
  const { heard, lasted } = turn(new Linger(), 1000, 30)
  expect(heard).toBe(0)
  expect(lasted).toBeLessThan(LINGER_MS + 0.05)
})

test('peers that are slow cost less and less: one moment in sixty-four turns at last', () => {
  const linger = new Linger()
  const waited = Array.from({ length: 1000 }, (_, index) => turn(linger, 1000 + index, 0.5).lasted > LINGER_MS)
  const positions = waited.flatMap((did, index) => (did ? [index] : []))
  expect(positions.slice(0, 7)).toEqual([0, 3, 8, 17, 34, 67, 132])
  expect(positions.slice(7)).toEqual([197, 262, 327, 392, 457, 522, 587, 652, 717, 782, 847, 912, 977])
  expect(positions[8]! - positions[7]!).toBe(RESTS_MOST + 1)
})

test('one peer that answers at once brings the waiting back', () => {
  const linger = new Linger()
  for (let index = 0; index < 68; index += 1) turn(linger, index, 0.5)
  const heard = Array.from({ length: 70 }, (_, index) => turn(linger, 100 + index, 0.04).heard)
  expect(heard.filter(count => count > 1)).toHaveLength(70 - heard.findIndex(count => count > 1))
  expect(heard.at(-1)).toBeGreaterThan(15)
})

test('what waits already is heard also in a turn that does not wait', () => {
  const linger = new Linger()
  turn(linger, 0, 0.5)
  linger.begin(10)
  expect([linger.goesOn(true, 10), linger.goesOn(true, 10.1), linger.goesOn(false, 10.11)]).toEqual([true, true, false])
})
