/** The check of the ledger can fail: a piece of a title is no test, and a cell that no table has makes none. */
import { expect, test } from 'vitest'
import { isThere } from './title.ts'

const SOURCE = `test.each([['a misspelt key', 1], ["somebody's", 2]])('unknown: %s')  const REASONS = { blocked: {} }`

test.each([
  ['the whole title', ['it renews'], ['a group', 'it renews'], true],
  ['with its group', ['a group', 'it renews'], ['a group', 'it renews'], true],
  ['a group stands for its tests', ['a group'], ['a group', 'it renews'], true],
  ['a piece of the title', ['it ren'], ['a group', 'it renews'], false],
  ['more than the title', ['it renews twice'], ['a group', 'it renews'], false],
  ['of another group', ['another group', 'it renews'], ['a group', 'it renews'], false],
  ['nothing', [], ['a group', 'it renews'], false],
  ['made from a cell of the table', ['unknown: a misspelt key'], ['unknown: %s'], true],
  ['made from a cell in other quotes', ["unknown: somebody's"], ['unknown: %s'], true],
  ['made from a piece of a cell', ['unknown: a misspelt'], ['unknown: %s'], false],
  ['made from no cell', ['unknown: a missing key'], ['unknown: %s'], false],
  ['made from a key', ['blocked hears nothing'], ['%s hears nothing'], true],
  ['made from a number', ['port 67 is closed'], ['port %i is closed'], true],
  ['made from a word where a number stands', ['port blocked is closed'], ['port %i is closed'], false],
  ['made from a value', ['[1, 2] is refused'], ['%j is refused'], true],
])('%s', (_, written, title, there) => {
  expect(isThere(written, title, SOURCE)).toBe(there)
})
