/** How fast boot files may go out: what can be written, and what cannot be meant. */
import { expect, test } from 'vitest'
import { siteOf } from '../machine/rig.ts'
import { problemsOf, RIGHT } from './sites.ts'

const NOT_A_RATE =
  'is not a rate from 256KiB/s to 100GiB/s; write bytes a second with their unit, as "20MiB/s", or nothing for no limit'

test.each<[string, string, string[]]>([
  ['no limit, as the default file writes it', 'rate-limit = ""\ntotal-rate-limit = ""', []],
  ['each its own, and a total', 'rate-limit = "20MiB/s"\ntotal-rate-limit = "100MiB/s"', []],
  ['without its unit', 'rate-limit = "20"', [`s.toml:11:1: error: "rate-limit" in [boot]: "20" ${NOT_A_RATE}`]],
  [
    'one that no ISO comes through',
    'total-rate-limit = "9KiB/s"',
    [`s.toml:11:1: error: "total-rate-limit" in [boot]: "9KiB/s" ${NOT_A_RATE}`],
  ],
  [
    'one machine more than all',
    'rate-limit = "20MiB/s"\ntotal-rate-limit = "10MiB/s"',
    [
      's.toml:11:1: warning: one machine may have more than all of them together; make "rate-limit" smaller than "total-rate-limit", or leave it out',
    ],
  ],
])('%s', (_, keys, problems) => {
  expect(problemsOf(`${RIGHT}[boot]\n${keys}\n`)).toEqual(problems)
})

test('rates are bytes a second', () => {
  const { boot } = siteOf('', `${RIGHT}[boot]\nrate-limit = "20MiB/s"\ntotal-rate-limit = "1GiB/s"\n`)
  expect([boot.rateLimit, boot.totalRateLimit]).toEqual([20_971_520, 1_073_741_824])
})
