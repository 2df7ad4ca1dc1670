import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeGlob, findGlobMistake } from '../../services/answer/glob.ts'

test.each([
  ['', undefined],
  ['*b07b25aa0110', undefined],
  ['/dev/nvme?n1', undefined],
  ['[!u]*', undefined],
  ['S64HNE0R10012[34]', undefined],
  ['[]]', undefined],
  ['[*]', undefined],
  ['pci-0000:41:00.0-*', undefined],
  ['/dev/**/x', undefined],
  ['**', undefined],
  ['**/x', undefined],
  ['a]', undefined],
  ['[', 'a [ has no matching ]'],
  ['[]', 'a [ has no matching ]'],
  ['[!]', 'a [ has no matching ]'],
  ['[a-z', 'a [ has no matching ]'],
  ['***', 'three stars in a row'],
  ['a**', 'two stars beside something else than a slash'],
  ['**a', 'two stars beside something else than a slash'],
])('%s', (pattern, mistake) => {
  expect(findGlobMistake(pattern)).toBe(mistake)
})

test('an escaped text is always a glob without mistake', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      expect(findGlobMistake(escapeGlob(text))).toBeUndefined()
    }),
  )
})
