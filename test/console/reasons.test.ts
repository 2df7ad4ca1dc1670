import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { refusalFor } from '../../services/console/guard.ts'
import { detailsOf } from '../../services/console/problem-details.ts'
import { type Reason, REASONS, type RefusalReason } from '../../services/console/reasons.ts'

const README = readFileSync(new URL('../../services/console/README.md', import.meta.url), 'utf8')

test('the manual and the code list the same reasons of the door, in the same words', () => {
  const listed = README.split('\n').filter(line => /^\| `[a-z-]+` \| (entry|refusal|note|alarm) \|/.test(line))
  const known = Object.entries(REASONS).map(
    ([code, { kind, message, action, severity }]) => `| \`${code}\` | ${kind} | ${message} | ${action} | ${severity} |`,
  )
  expect(listed).toEqual(known)
})

test('whoever must act is told how', () => {
  const silent = Object.entries(REASONS).filter(
    ([, { action, severity }]) => severity === 'warning' && action.trim() === 'nothing',
  )
  expect(silent).toEqual([])
})

test('every refusal has a status of its own kind', () => {
  const refusals = (Object.keys(REASONS) as Reason[]).filter(reason => REASONS[reason].kind === 'refusal')
  expect(
    Object.fromEntries(refusals.map(reason => [reason, detailsOf(refusalFor(reason as RefusalReason)).status])),
  ).toEqual({
    'not-signed-in': 401,
    'wrong-password': 401,
    'unknown-user': 401,
    'link-refused': 401,
    'token-refused': 401,
    'token-expired': 401,
    'too-many-tries': 429,
    'sign-in-busy': 503,
    'csrf-refused': 403,
    'cross-site': 403,
    'foreign-host': 421,
    'not-allowed': 403,
    'role-missing': 403,
  })
})
