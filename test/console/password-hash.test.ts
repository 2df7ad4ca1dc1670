import { describe, expect, test } from 'vitest'
import {
  COST,
  formatPasswordHash,
  hashPassword,
  isOutdated,
  isPassword,
  memoryOf,
  nobodysHash,
  parsePasswordHash,
  weaknessOf,
} from '../../services/console/password-hash.ts'

const CHEAP = { ln: 10, r: 1, p: 1 }

/** RFC 7914 §12, third vector: N = 16384, r = 8, p = 1. */
const RFC_7914 =
  '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw'

test('a vector of RFC 7914', async () => {
  const hash = parsePasswordHash(RFC_7914)!
  expect(hash.cost).toEqual({ ln: 14, r: 8, p: 1 })
  expect(await isPassword('pleaseletmein', hash)).toBe(true)
  expect(await isPassword('pleaseletmeout', hash)).toBe(false)
  expect(formatPasswordHash(hash)).toBe(RFC_7914)
})

test('what is made is read back, and fits its password alone', async () => {
  const text = formatPasswordHash(await hashPassword('correct horse battery', CHEAP))
  expect(text).toMatch(/^\$scrypt\$ln=10,r=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  const read = parsePasswordHash(text)!
  expect(await isPassword('correct horse battery', read)).toBe(true)
  expect(await isPassword('correct horse batterz', read)).toBe(false)
  expect(await isPassword('', read)).toBe(false)
})

test('two hashes of one password differ', async () => {
  const [one, other] = await Promise.all([hashPassword('the same words', CHEAP), hashPassword('the same words', CHEAP)])
  expect(formatPasswordHash(one)).not.toBe(formatPasswordHash(other))
})

test('a letter typed as two is the letter typed as one', async () => {
  const composed = await hashPassword('Schl\u00fcssel des Racks', CHEAP)
  expect(await isPassword('Schlu\u0308ssel des Racks', composed)).toBe(true)
})

test('nobody has the password of nobody', async () => {
  expect(await isPassword('', nobodysHash(CHEAP))).toBe(false)
})

test('what is usual takes 32 MiB', () => {
  expect(COST).toEqual({ ln: 15, r: 8, p: 3 })
  expect(memoryOf(COST)).toBe(33_557_504)
})

test.each([
  ['another algorithm', '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27qA'],
  ['a plain word', 'hunter2'],
  ['no salt', '$scrypt$ln=15,r=8,p=3$$cCO9yzr9c0hGHAbNgf046w'],
  ['memory of a gigabyte', '$scrypt$ln=18,r=16,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o'],
  ['a cost that is none', '$scrypt$ln=9,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o'],
  ['no parallelism', '$scrypt$ln=15,r=8,p=0$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o'],
  ['a hash of a few octets', '$scrypt$ln=15,r=8,p=3$U29kaXVtQ2hsb3JpZGU$cCO9'],
])('not a hash that is taken: %s', (_, text) => {
  expect(parsePasswordHash(text)).toBeUndefined()
})

test.each([
  ['less memory', { ln: 14, r: 8, p: 3 }, true],
  ['fewer rounds', { ln: 15, r: 8, p: 1 }, true],
  ['the same', { ln: 15, r: 8, p: 3 }, false],
  ['more', { ln: 17, r: 8, p: 3 }, false],
])('outdated: %s', (_, cost, expected) => {
  expect(isOutdated({ cost, salt: new Uint8Array(), hash: new Uint8Array() })).toBe(expected)
})

describe('passwords that are not set', () => {
  test.each([
    ['short', 'elevenchars', 'it has 11 characters, and 12 are the least'],
    ['short though long in UTF-16', '\u{1f600}'.repeat(11), 'it has 11 characters, and 12 are the least'],
    ['endless', 'ab cd'.repeat(250), 'it is longer than 1024 characters'],
    ['a tab in it', 'twelve\tcharacters', 'it has a control character, which nobody can type into the page'],
    ['one letter', 'aaaaaaaaaaaaaaaa', 'it repeats one or two characters'],
    ['little more than the name', 'Annabelle1234', 'it is little more than the name'],
  ])('%s', (_, password, why) => {
    expect(weaknessOf(password, 'annabelle')).toBe(why)
  })

  test('a sentence is fine', () => {
    expect(weaknessOf('annabelle racks seven servers', 'annabelle')).toBeUndefined()
  })
})
