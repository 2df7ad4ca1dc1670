import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REASONS } from '../../services/dhcp/reasons.ts'

const README = readFileSync(new URL('../../services/dhcp/README.md', import.meta.url), 'utf8')

test('the manual and the code list the same reasons, in the same words', () => {
  const listed = README.split('\n').filter(line => /^\| `[a-z-]+` \| (offer|ack|nak|silence|note|alarm) \|/.test(line))
  const known = Object.entries(REASONS).map(
    ([code, { kind, message, action, severity }]) => `| \`${code}\` | ${kind} | ${message} | ${action} | ${severity} |`,
  )
  expect(listed).toEqual(known)
})

test('whoever must act is told how', () => {
  const silentAlarms = Object.entries(REASONS).filter(
    ([, { action, severity }]) => severity !== 'info' && action.trim() === 'nothing',
  )
  expect(silentAlarms).toEqual([])
})
