import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FINDINGS } from '../../services/health/codes.ts'
import { ROOT } from '../presubmit/source.ts'

const README = readFileSync(join(ROOT, 'services/health/README.md'), 'utf8')

test('the manual and the code list the same findings, in the same words', () => {
  const listed = README.split('\n').filter(line => /^\| `[a-z-]+` \|/.test(line))
  const known = Object.entries(FINDINGS).map(
    ([code, { message, action, severity }]) => `| \`${code}\` | ${message} | ${action} | ${severity} |`,
  )
  expect(listed).toEqual(known)
})

test('every finding can be found', () => {
  const folder = join(ROOT, 'services/health')
  const files = ['doctor.ts', 'finding.ts', ...readdirSync(join(folder, 'probe')).map(name => `probe/${name}`)]
  const text = files.map(name => readFileSync(join(folder, name), 'utf8')).join('\n')
  // What `check` says of the site's own certificate is found by its code.
  const byCheck = new Set(['certificate-key', 'certificate-expires', 'certificate-expired'])
  const unused = Object.keys(FINDINGS).filter(code => !text.includes(`'${code}'`) && !byCheck.has(code))
  expect(unused).toEqual([])
})

test('whoever must act is told how', () => {
  const silent = Object.entries(FINDINGS).filter(
    ([, { action, severity }]) => (severity === 'error' || severity === 'warning') && action.startsWith('nothing'),
  )
  expect(silent).toEqual([])
})
