import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ANSWER_PROBLEM_CODES } from '../../services/answer/problems.ts'

test('the README tells what to do about every code, and about no other', () => {
  const readme = readFileSync(new URL('../../services/answer/README.md', import.meta.url), 'utf8')
  const rows = readme.match(/^\| `.*$/gm) ?? []
  const told = rows.flatMap(row => [...row.split('|')[1]!.matchAll(/`([a-z0-9-]+)`/g)].map(([, code]) => code!))
  expect(told.sort()).toEqual([...ANSWER_PROBLEM_CODES].sort())
})
