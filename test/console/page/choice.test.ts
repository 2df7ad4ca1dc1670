import { describe, expect, test } from 'vitest'
import { ALL, choose, countGroups, fromQuery, toQuery } from '../../../services/console/page/store/choice.ts'
import { machine } from './machines.ts'

const rack = [
  machine({ id: 'bc:24:11:00:00:0a', name: 'node10', state: 'failed', reason: 'no disk fits', serial: '7K2QX93' }),
  machine({
    id: 'bc:24:11:00:00:02',
    name: 'node2',
    state: 'booting',
    address: '10.77.0.2',
    heardAt: '2026-11-26T12:00:05.000Z',
    progress: { file: 'iso', sent: 10, total: 100, bytesPerSecond: 1 },
  }),
  machine({ id: 'bc:24:11:00:00:01', name: 'node1', state: 'installed', product: 'PowerEdge R65' }),
  machine({
    id: 'bc:24:11:00:00:03',
    name: 'node3',
    state: 'booting',
    progress: { file: 'iso', sent: 90, total: 100, bytesPerSecond: 1 },
  }),
]

const names = (part: object): string[] =>
  choose(rack, { ...ALL, ...part }).map(id => rack.find(view => view.id === id)!.name)

describe('order', () => {
  test('by name as people count', () => expect(names({})).toEqual(['node1', 'node2', 'node3', 'node10']))
  test('the other way round', () => expect(names({ descending: true })).toEqual(['node10', 'node3', 'node2', 'node1']))
  test('by state as a machine goes', () =>
    expect(names({ sort: 'state' })).toEqual(['node2', 'node3', 'node1', 'node10']))
  test('by progress, who is furthest first', () =>
    expect(names({ sort: 'progress' })).toEqual(['node3', 'node2', 'node1', 'node10']))
  test('by last sign of life, the latest first', () =>
    expect(names({ sort: 'heard' })).toEqual(['node2', 'node1', 'node3', 'node10']))
})

describe('filter', () => {
  test.each([
    ['NODE1', ['node1', 'node10']],
    ['7k2qx', ['node10']],
    ['poweredge r65', ['node1']],
    ['10.77.0.2', ['node2']],
    ['bc-24-11-00-00-03', ['node3']],
    ['bc24.1100.0003', ['node3']],
    ['no disk', ['node10']],
    ['node1 node2', []],
    ['   ', ['node1', 'node2', 'node3', 'node10']],
  ])('%s', (text, found) => expect(names({ text })).toEqual(found))

  test('by state, by what is under way, by what needs attention', () => {
    expect(names({ group: 'booting' })).toEqual(['node2', 'node3'])
    expect(names({ group: 'under-way' })).toEqual(['node2', 'node3'])
    expect(names({ group: 'attention' })).toEqual(['node10'])
  })
})

test('every group is counted', () => {
  expect(countGroups(rack)).toEqual({
    all: 4,
    held: 0,
    approved: 0,
    booting: 2,
    installing: 0,
    installed: 1,
    failed: 1,
    stalled: 0,
    blocked: 0,
    attention: 1,
    'under-way': 2,
  })
})

describe('address bar', () => {
  test('the plain page has a plain address', () => expect(toQuery(ALL)).toBe(''))

  test('says what differs, and is read back', () => {
    const choice = { text: 'a&b', group: 'attention', sort: 'heard', descending: true, layout: 'tiles' } as const
    expect(toQuery(choice)).toBe('?search=a%26b&state=attention&sort=heard&order=descending&layout=tiles')
    expect(fromQuery(toQuery(choice))).toEqual(choice)
  })

  test('what it does not know is left out', () =>
    expect(fromQuery('?state=flying&sort=colour&layout=circles')).toEqual(ALL))
})
