import { expect, test } from 'vitest'
import { editDistance, suggest } from '../../services/site/suggest.ts'

test.each<[string, string[], string | undefined]>([
  ['domian', ['name', 'domain'], 'domain'],
  ['lease_time', ['mode', 'lease-time'], 'lease-time'],
  ['Prefix', ['prefix', 'pools'], 'prefix'],
  ['pool', ['prefix', 'pools'], 'pools'],
  ['secret', ['url', 'events', 'secret-file'], 'secret-file'],
  ['macs', ['name', 'mac'], 'mac'],
  ['colour', ['level', 'format'], undefined],
  ['', ['a', 'b'], 'a'],
  ['x'.repeat(100_000), ['name'], undefined],
])('%.20s', (written, known, meant) => {
  expect(suggest(written, known)).toBe(meant)
})

test.each<[string, string, number]>([
  ['', '', 0],
  ['abc', '', 3],
  ['', 'abc', 3],
  ['domian', 'domain', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
])('%s to %s takes %i steps', (from, to, steps) => {
  expect(editDistance(from, to)).toBe(steps)
})
