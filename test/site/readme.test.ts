/** The room's README says what is so. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { formatProblem } from '../../services/kit/problem.ts'
import { SITE_PROBLEM_CODES } from '../../services/site/finding.ts'
import { parseSite } from '../../services/site/parse.ts'
import { NO_INTERFACES } from './sites.ts'

const README = readFileSync(new URL('../../services/site/README.md', import.meta.url), 'utf8')

function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(README)?.[1] ?? ''
}

test('its example has exactly the problems that it shows', () => {
  const outcome = parseSite(block('toml'), 'site.toml', NO_INTERFACES)
  expect('problems' in outcome && outcome.problems.map(formatProblem)).toEqual(block('text').trimEnd().split('\n'))
})

test('its table has every code, and no other', () => {
  const [table = ''] = /^\| `unreadable` .*\n(?:\|.*\n)*/m.exec(README) ?? []
  const told = [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, code]) => code)
  expect(told).toEqual([...SITE_PROBLEM_CODES])
})
