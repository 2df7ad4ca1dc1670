import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeGlob, findGlobMistake, type Glob, globMatches, parseGlob } from '../../services/kit/glob.ts'

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

const fits = (pattern: string, value: string): boolean => globMatches(parseGlob(pattern) as Glob, value)

test.each([
  ['', '', true],
  ['', 'a', false],
  ['?', 'ö', true],
  ['?', '', false],
  ['*', '', true],
  ['*', 'a/b', true],
  ['*b07b25aa0110', 'enxb07b25aa0110', true],
  ['*b07b25aa0110', 'enxB07B25AA0110', false],
  ['/dev/nvme?n1', '/dev/nvme0n1', true],
  ['/dev/nvme?n1', '/dev/nvme10n1', false],
  ['INTEL*', 'INTEL SSDPE2KX010T8', true],
  ['S64HNE0R10012[34]', 'S64HNE0R100123', true],
  ['S64HNE0R10012[34]', 'S64HNE0R100125', false],
  ['[!u]*', 'ata', true],
  ['[!u]*', 'usb', false],
  ['[^u]*', 'usb', true],
  ['[^u]*', 'ata', false],
  ['[a-c-]', '-', true],
  ['[]a]', ']', true],
  ['[!]a]', ']', false],
  ['[*]', '*', true],
  ['[*]', 'x', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['/dev/**/x', '/dev/x', true],
  ['/dev/**/x', '/dev/a/b/x', true],
  ['/dev/**/x', '/dev/ax', false],
  ['**/x', 'x', true],
  ['**/x', 'ax', false],
  ['/dev/**', '/dev/a/b', true],
  ['**', 'a', true],
  ['a{b,c}', 'ab', false],
])('%j takes %j: %s', (pattern, value, taken) => {
  expect(fits(pattern, value)).toBe(taken)
})

test('a mistake says where it is', () => {
  expect(parseGlob('ö[a')).toEqual({ message: 'a [ has no matching ]', at: 1 })
  expect(parseGlob('a/***')).toEqual({ message: 'three stars in a row', at: 2 })
})

test('no pattern takes long: stars without end over a value that almost fits', () => {
  expect(fits('*a'.repeat(200), `${'a'.repeat(5000)}b`)).toBe(false)
})

test('an escaped text takes itself and nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, other) => {
      expect(fits(escapeGlob(text), text)).toBe(true)
      expect(fits(escapeGlob(text), other)).toBe(other === text)
    }),
  )
})

test('without two stars a glob says what the same regular expression says', () => {
  const unit = fc.constantFrom('a', 'b', '/', '?', '*', '[ab]', '[!a]')
  fc.assert(
    fc.property(fc.array(unit), fc.string({ unit: fc.constantFrom('a', 'b', '/') }), (units, value) => {
      const pattern = units.filter((one, i) => one !== '*' || units[i - 1] !== '*').join('')
      const words: Record<string, string> = { '?': '.', '*': '.*', '[!a]': '[^a]' }
      const same = units.map(one => words[one] ?? one).join('')
      expect(fits(pattern, value)).toBe(new RegExp(`^(?:${same})$`, 's').test(value))
    }),
  )
})

test('an escaped text is always a glob without mistake', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      expect(findGlobMistake(escapeGlob(text))).toBeUndefined()
    }),
  )
})
