import { describe, expect, test } from 'vitest'
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

describe('on a terminal with no room for all columns', () => {
  const head = ['FILE', 'SIZE', 'CHECKSUM', 'PROFILES']
  const rows = [
    ['a.iso', '2 KiB', '', ''],
    ['pve.iso', '1.6 GiB', 'good, signed', 'pve, zfs'],
    ['pbs.iso', '1 GiB', 'good', ''],
  ]

  test.each([
    [
      'all fit by a hair',
      40,
      [
        'FILE     SIZE     CHECKSUM      PROFILES',
        'a.iso    2 KiB',
        'pve.iso  1.6 GiB  good, signed  pve, zfs',
        'pbs.iso  1 GiB    good',
      ],
    ],
    [
      'of the last one what is too long is below its row',
      39,
      [
        'FILE     SIZE     CHECKSUM',
        'a.iso    2 KiB',
        'pve.iso  1.6 GiB  good, signed',
        '    PROFILES pve, zfs',
        'pbs.iso  1 GiB    good',
      ],
    ],
    [
      'so are all cells of the others, each with its word',
      29,
      [
        'FILE     SIZE',
        'a.iso    2 KiB',
        'pve.iso  1.6 GiB',
        '    CHECKSUM good, signed;',
        '    PROFILES pve, zfs',
        'pbs.iso  1 GiB',
        '    CHECKSUM good',
      ],
    ],
    [
      'the first one stands in any case',
      5,
      [
        'FILE',
        'a.iso',
        ...['    SIZE', '    2', '    KiB'],
        'pve.iso',
        ...[
          '    SIZE',
          '    1.6',
          '    GiB;',
          '    CHECKSUM',
          '    good,',
          '    signed;',
          '    PROFILES',
          '    pve,',
          '    zfs',
        ],
        'pbs.iso',
        ...['    SIZE', '    1', '    GiB;', '    CHECKSUM', '    good'],
      ],
    ],
  ])('%s', (_, width, lines) => {
    expect(table(head, rows, { width }).split('\n')).toEqual(lines)
  })

  test('a column with nothing in it makes room, and cells keep their style', () => {
    const asked: string[] = []
    const styleOf = (row: number, column: number): undefined => void asked.push(`${row}/${column}`)
    expect(
      table(
        ['A', 'EMPTY', 'B'],
        [
          ['x', '', 'y'],
          ['long', '', 'z'],
        ],
        { width: 10, styleOf },
      ),
    ).toBe('A     B\nx     y\nlong  z')
    expect(asked).toEqual(['0/0', '0/2', '1/0', '1/2'])
  })

  test('what is known hangs behind its name', () => {
    const facts = [
      ['state', 'held: nobody has approved it'],
      ['mac', 'x'],
    ] as const
    expect(factSheet('node1', facts, 36).split('\n')).toEqual([
      'node1',
      '  state  held: nobody has approved',
      '         it',
      '  mac    x',
    ])
  })
})

test('the style of a cell is asked for by row and column, never for the head', () => {
  const asked: string[] = []
  const text = table(
    ['A', 'B'],
    [
      ['x', 'y'],
      ['long', 'z'],
    ],
    {
      styleOf: (row, column) => {
        asked.push(`${row}/${column}`)
        return undefined
      },
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
