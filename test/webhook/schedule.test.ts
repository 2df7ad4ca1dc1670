import { describe, expect, test } from 'vitest'
import { isTooOld, readRetryAfter, waitAfter } from '../../services/webhook/schedule.ts'

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

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 26, 12)
  test.each([
    ['seconds', '120', 120_000],
    ['an instant', 'Thu, 26 Nov 2026 12:05:00 GMT', 300_000],
    ['one that is over', 'Thu, 26 Nov 2026 11:00:00 GMT', 0],
    ['more than an hour', '86400', 3_600_000],
    ['a day that never comes', 'Fri, 26 Nov 2100 12:00:00 GMT', 3_600_000],
    ['words', 'tomorrow', undefined],
    ['a fraction', '1.5', undefined],
    ['a number below none', '-5', undefined],
    ['none', undefined, undefined],
  ])('%s', (_, header, expected) => expect(readRetryAfter(header, now)).toBe(expected))
})
