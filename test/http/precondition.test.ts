/** RFC 9110 §13.2.2, in its order. */
import { expect, test } from 'vitest'
import { type Conditions, decidePrecondition } from '../../services/http/precondition.ts'

const THEN = 'Thu, 26 Nov 2026 07:50:00 GMT'
const LATER = 'Thu, 26 Nov 2026 09:40:00 GMT'
const NONE: Conditions = {
  ifMatch: undefined,
  ifUnmodifiedSince: undefined,
  ifNoneMatch: undefined,
  ifModifiedSince: undefined,
}

test.each<[string, Partial<Conditions>, 'send' | 304 | 412]>([
  ['no condition', {}, 'send'],
  ['it has this one', { ifNoneMatch: '"a"' }, 304],
  ['it has this one, and says so weakly', { ifNoneMatch: 'W/"a"' }, 304],
  ['it has several', { ifNoneMatch: '"b", "a"' }, 304],
  ['it has any', { ifNoneMatch: '*' }, 304],
  ['it has another one', { ifNoneMatch: '"b"' }, 'send'],
  ['a tag without quotes is none', { ifNoneMatch: 'a' }, 'send'],
  ['a tag that holds ours is another one', { ifNoneMatch: '"aa"' }, 'send'],
  ['it has one of that time', { ifModifiedSince: THEN }, 304],
  ['it has one of another time: older or newer, it is another one', { ifModifiedSince: LATER }, 'send'],
  ['what is no date is not there', { ifModifiedSince: 'yesterday' }, 'send'],
  ['the tag says more than the date', { ifNoneMatch: '"b"', ifModifiedSince: THEN }, 'send'],
  ['only this one', { ifMatch: '"a"' }, 'send'],
  ['only this one, weakly: that is not enough', { ifMatch: 'W/"a"' }, 412],
  ['only another one', { ifMatch: '"b"' }, 412],
  ['only if it is that old', { ifUnmodifiedSince: THEN }, 'send'],
  ['only if it is as old as something else', { ifUnmodifiedSince: LATER }, 412],
  ['If-Match says more than the date', { ifMatch: '"a"', ifUnmodifiedSince: LATER }, 'send'],
  ['both: it is this one, and it has it', { ifMatch: '"a"', ifNoneMatch: '"a"' }, 304],
])('%s', (_, conditions, decision) => {
  expect(decidePrecondition({ ...NONE, ...conditions }, { etag: '"a"', lastModified: THEN })).toBe(decision)
})

test('what has no date is not older than anything', () => {
  const dates = { ...NONE, ifModifiedSince: THEN }
  expect(decidePrecondition(dates, { etag: '"a"', lastModified: undefined })).toBe('send')
})
