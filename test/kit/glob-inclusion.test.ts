import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Glob, globMatches, parseGlob } from '../../services/kit/glob.ts'
import { globIncludes } from '../../services/kit/glob-inclusion.ts'

const glob = (pattern: string): Glob => parseGlob(pattern) as Glob
const includes = (general: string, specific: string): boolean => globIncludes(glob(general), glob(specific))

test.each([
  ['*', 'anything', true],
  ['*', '', true],
  ['*', '*', true],
  ['b0:7b:25:*', 'b0:7b:25:*', true],
  ['b0:7b:25:*', 'b0:7b:25:aa:*', true],
  ['b0:7b:25:aa:*', 'b0:7b:25:*', false],
  ['poweredge r65*', 'poweredge r65?5', true],
  ['poweredge r65?5', 'poweredge r65*', false],
  ['*a*', 'b*a', true],
  ['b*a', '*a*', false],
  ['?*', '*?', true],
  ['??*', '?*', false],
  ['[a-f]*', '[bc]x', true],
  ['[bc]x', '[a-f]x', false],
  ['[!a]', '[b-z]', true],
  ['[!a]', '?', false],
  ['?', '[!a]', true],
  ['*0*1*', '*01*', true],
  ['a', '', false],
  ['', 'a', false],
  ['[a-z]', '[\u{d7ff}-\u{e001}]', false],
  // Not looked at, and so not shown.
  ['**', 'a', false],
])('everything that fits %s fits %s, too: %s', (general, specific, expected) => {
  expect(includes(general, specific)).toBe(expected)
})

const pattern = fc
  .array(fc.constantFrom('a', 'b', 'c', '?', '[ab]', '[!a]', '[a-c]', '*'), { maxLength: 6 })
  .map(parts => parts.join('').replaceAll(/\*+/g, '*'))
const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 6 }).map(parts => parts.join(''))

test('property: what is included takes nothing that the other one does not', () => {
  fc.assert(
    fc.property(pattern, pattern, fc.array(text, { minLength: 20, maxLength: 20 }), (general, specific, texts) => {
      if (!includes(general, specific)) return
      for (const one of texts) expect(!globMatches(glob(specific), one) || globMatches(glob(general), one)).toBe(true)
    }),
  )
})

test('property: what is not included has a text that shows it, of four characters at most', () => {
  const letters = ['a', 'b', 'c', 'd']
  const texts = ['']
  for (let at = 0; texts[at]!.length < 4; at++) texts.push(...letters.map(letter => texts[at] + letter))
  const short = fc
    .array(fc.constantFrom('a', 'b', '?', '[ab]', '[!a]', '*'), { maxLength: 3 })
    .map(parts => parts.join('').replaceAll(/\*+/g, '*'))
  fc.assert(
    fc.property(short, short, (general, specific) => {
      const witness = texts.find(one => globMatches(glob(specific), one) && !globMatches(glob(general), one))
      expect(includes(general, specific)).toBe(witness === undefined)
    }),
  )
})

test('patterns that would take for ever are not shown', () => {
  const many = '*a?b'.repeat(25)
  expect(includes(many, '*b?a'.repeat(25))).toBe(false)
})
