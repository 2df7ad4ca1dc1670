import { expect, test } from 'vitest'
import { errorAt, warningAt } from '../../services/answer/problems.ts'
import { prettyReport, summaryLine, verdictLine } from '../../services/cli/answer-report.ts'

const TARGET = { product: 'pve', release: '9.2', installer: '9.2.2' }
const place = (line: number, column: number): { place: { file: string; line: number; column: number } } => ({
  place: { file: 'a.toml', line, column },
})

// Without a terminal there are no colours.
test('on a terminal: a file, below it its problems with their places in a column, long lines broken between words', () => {
  const problems = [
    {
      ...errorAt([], 'wrong-value', 'global.country: "AT" is not a country code', 'did you mean "at"?'),
      ...place(4, 1),
    },
    { ...warningAt([], 'doubtful-value', 'network.gateway is outside the subnet', 'correct one'), ...place(12, 10) },
  ]
  expect(prettyReport({ file: 'a.toml', kind: 'answer', problems }, 58)).toBe(
    [
      '✗ a.toml  answer, refused: 1 error, 1 warning',
      '    4:1  error    global.country: "AT" is not a country',
      '                  code',
      '                  did you mean "at"? [wrong-value]',
      '  12:10  warning  network.gateway is outside the subnet',
      '                  correct one [doubtful-value]',
    ].join('\n'),
  )
})

test('fine, accepted, and not read', () => {
  const doubt = { ...warningAt([], 'doubtful-value', 'm', 'h'), ...place(1, 1) }
  const unread = { file: 'c.toml', problems: [errorAt([], 'unreadable', 'm', 'h')] }
  const reports = [
    { file: 'a.toml', kind: 'answer' as const, problems: [] },
    { file: 'b.toml', kind: 'layer' as const, problems: [doubt, doubt] },
    unread,
  ]
  expect(reports.map(verdictLine)).toEqual([
    'a.toml: answer, fine',
    'b.toml: layer (a part of an answer), accepted: 2 warnings',
    'c.toml: not read',
  ])
  expect(reports.map(report => prettyReport(report, 80).split('\n')[0])).toEqual([
    '✓ a.toml  answer, fine',
    '! b.toml  layer (a part of an answer), accepted: 2 warnings',
    '✗ c.toml  not read',
  ])
  expect(summaryLine(reports, TARGET)).toBe(
    '3 files for pve 9.2 (installer 9.2.2): 1 refused, 1 accepted with warnings, 1 fine',
  )
})
