import { expect, test } from 'vitest'
import fc from 'fast-check'
import { decideRange } from '../../services/http/range.ts'

const TAG = '"abc"'
test.each([
  ['no range', undefined, undefined, { status: 200, start: 0, length: 1000 }],
  ['the first bytes', 'bytes=0-99', undefined, { status: 206, start: 0, length: 100, contentRange: 'bytes 0-99/1000' }],
  [
    'from the middle on',
    'bytes=900-',
    undefined,
    { status: 206, start: 900, length: 100, contentRange: 'bytes 900-999/1000' },
  ],
  [
    'beyond the end is cut',
    'bytes=900-5000',
    undefined,
    { status: 206, start: 900, length: 100, contentRange: 'bytes 900-999/1000' },
  ],
  [
    'the last bytes',
    'bytes=-10',
    undefined,
    { status: 206, start: 990, length: 10, contentRange: 'bytes 990-999/1000' },
  ],
  [
    'more last bytes than there are',
    'bytes=-5000',
    undefined,
    { status: 206, start: 0, length: 1000, contentRange: 'bytes 0-999/1000' },
  ],
  ['nothing of the end', 'bytes=-0', undefined, { status: 416, contentRange: 'bytes */1000' }],
  ['past the end', 'bytes=1000-', undefined, { status: 416, contentRange: 'bytes */1000' }],
  ['backwards is no range', 'bytes=9-3', undefined, { status: 200, start: 0, length: 1000 }],
  ['several ranges are answered whole', 'bytes=0-1,5-6', undefined, { status: 200, start: 0, length: 1000 }],
  ['another unit', 'lines=0-1', undefined, { status: 200, start: 0, length: 1000 }],
  [
    'if-range of the same file',
    'bytes=0-9',
    TAG,
    { status: 206, start: 0, length: 10, contentRange: 'bytes 0-9/1000' },
  ],
  ['if-range of another file', 'bytes=0-9', '"old"', { status: 200, start: 0, length: 1000 }],
])('L02 %s', (_, header, ifRange, decision) => {
  expect(decideRange(1000, header, ifRange, TAG)).toEqual(decision)
})

test('property: never outside the file, whatever the header', () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.oneof(fc.string(), fc.stringMatching(/^bytes=\d{0,6}-\d{0,6}$/)), (size, header) => {
      const decision = decideRange(size, header, undefined, TAG)
      if (decision.status === 416) return
      expect(decision.start).toBeGreaterThanOrEqual(0)
      expect(decision.start + decision.length).toBeLessThanOrEqual(size)
    }),
  )
})
