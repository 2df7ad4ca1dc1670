import fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import { expect, test } from 'vitest'
import { findNewerToml } from '../../services/answer/toml-version.ts'

const say = (source: string): string[] => findNewerToml(source).map(({ at, what }) => `${at.line}:${at.column} ${what}`)

test.each([
  ['a line break in a table', 'a = {\n b = 1 }', ['1:5 a line break inside { }']],
  ['a comment in a table', 'a = { # here\n b = 1 }', ['1:5 a line break inside { }']],
  ['a comma at the end', 'a = { b = 1, }', ['1:14 a comma before }']],
  ['both, nested', 'a = { b = {\n c = 1,\n} }', ['1:11 a line break inside { }', '3:1 a comma before }']],
  ['the escape of escape', 'a = "\\e[0m"', ['1:6 an escape that TOML 1.0 does not have']],
  ['an escape of two digits', 'a = """\n\\x41"""', ['2:1 an escape that TOML 1.0 does not have']],
  ['an escape in a key', '"\\x61" = 1', ['1:2 an escape that TOML 1.0 does not have']],
])('%s', (_, source, found) => {
  expect(say(source)).toEqual(found)
  expect(() => parse(source)).not.toThrow()
})

test.each([
  ['a backslash before an x', 'a = "C:\\\\xampp"'],
  ['no escapes in single quotes', "a = '\\x41'"],
  ['arrays over several lines', 'a = [\n 1,\n 2,\n]'],
  ['an array over several lines in a table', 'a = { b = [\n 1,\n] }'],
  ['a text of several lines in a table', 'a = { b = """\nx,\n""" }'],
  ['quotes at the end of a text', 'a = { b = """x""""", c = 1 }'],
  ['brackets in a comment', '# { [ "\na = 1'],
  ['a quote in a comment', "# don't\na = { b = 1 }\n"],
  ['a header between', '[[a.b]]\nc = {}\n[d]\n'],
  ['an empty table', 'a = { }'],
])('%s is TOML 1.0', (_, source) => {
  expect(say(source)).toEqual([])
  expect(() => parse(source)).not.toThrow()
})

test('what we write ourselves is TOML 1.0', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.array(fc.string()))), table => {
      expect(say(stringify(table))).toEqual([])
    }),
  )
})

test('any text is read', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), text => void findNewerToml(text)))
})
