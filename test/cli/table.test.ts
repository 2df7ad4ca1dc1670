import { expect, test } from 'vitest'
import { columns, factSheet, table } from '../../services/cli/table.ts'

test('columns as wide as their widest cell, the last one not padded', () => {
  expect(
    columns([
      ['a', 'bb', ''],
      ['ccc', '', 'd'],
    ]),
  ).toEqual(['a    bb', 'ccc      d'])
  expect(columns([])).toEqual([])
})

test('a cell that is too wide stands out', () => {
  expect(
    columns(
      [
        ['long', 'x'],
        ['a', 'y'],
      ],
      { widest: 2 },
    ),
  ).toEqual(['long  x', 'a   y'])
})

test('the style of a cell is asked for by row and column, never for the head', () => {
  const asked: string[] = []
  const text = table(
    ['A', 'B'],
    [
      ['x', 'y'],
      ['long', 'z'],
    ],
    (row, column) => {
      asked.push(`${row}/${column}`)
      return undefined
    },
  )
  expect(text).toBe('A     B\nx     y\nlong  z')
  expect(asked).toEqual(['0/0', '0/1', '1/0', '1/1'])
})

test('what is not known has no line', () => {
  expect(
    factSheet('node1', [
      ['state', 'held'],
      ['address', undefined],
      ['mac', 'x'],
    ]),
  ).toBe('node1\n  state    held\n  mac      x')
})
