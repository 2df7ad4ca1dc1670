import { describe, expect, test } from 'vitest'
import { helpOf, overviewOf } from '../../services/cli/help-text.ts'
import { COMMANDS } from '../../services/cli/run.ts'
import { widthOf, wrap } from '../../services/cli/wrap.ts'

test.each([
  ['a b c', 3, ['a b', 'c']],
  ['averylongword b', 4, ['averylongword', 'b']],
  ['', 4, ['']],
  ['a b', Infinity, ['a b']],
])('%j in %i', (text, width, lines) => {
  expect(wrap(text.split(' '), width)).toEqual(lines)
})

test.each([
  [{ isTTY: true, columns: 120 }, 120],
  [{ isTTY: true, columns: 0 }, 80],
  [{}, Infinity],
])('the width of %j', (stream, width) => {
  expect(widthOf(stream)).toBe(width)
})

const EXAMPLE = /^Example:\n.*$/m

describe('on a terminal of 80 columns no line of the help is cut by it', () => {
  test.each(COMMANDS.map(({ name }) => name))('%s', name => {
    const text = helpOf(COMMANDS.find(command => command.name === name)!, 80).replace(EXAMPLE, '')
    expect(text.split('\n').filter(line => line.length > 80)).toEqual([])
  })

  test('the overview', () => {
    expect(
      overviewOf(COMMANDS, 80)
        .split('\n')
        .filter(line => line.length > 80),
    ).toEqual([])
  })
})

test('what goes on below begins where it began, and an option stays with its value', () => {
  const text = helpOf(COMMANDS.find(({ name }) => name === 'machine')!, 80)
  expect(text).toContain(
    '\n  rackrise machine approve NAME... [--profile PROFILE] [--reason TEXT]\n      [--confirm-disks]\n',
  )
  expect(text).toContain(
    '\n  --force              forget: although an installation is under way, or it is\n                       blocked\n',
  )
})
