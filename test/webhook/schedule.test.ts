import { expect, test } from 'vitest'
import { isTooOld, waitAfter } from '../../services/webhook/schedule.ts'

test.each([
  [1, 0, 5_000],
  [2, 0, 10_000],
  [8, 0, 640_000],
  [9, 0, 900_000],
  [400, 0, 900_000],
  [1, 0.5, 3_750],
  [400, 0.999, 450_450],
])('after %i tries, by chance %f: %i ms', (tries, chance, wait) => {
  expect(waitAfter(tries, chance)).toBe(wait)
})

test('three days and no longer', () => {
  expect([isTooOld(0, 259_199_999), isTooOld(0, 259_200_000)]).toEqual([false, true])
})
