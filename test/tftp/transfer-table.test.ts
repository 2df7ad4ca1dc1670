import { expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { TransferTable } from '../../services/tftp/transfer-table.ts'

const at = (address: string, port: number) => ({ address: address as Ipv4, port })

test('K20 it holds so many in all, and so many of one address', () => {
  const table = new TransferTable<string>(3, 2)
  expect([
    table.add(at('10.0.0.1', 1), 'a'),
    table.add(at('10.0.0.1', 2), 'b'),
    table.add(at('10.0.0.1', 3), 'c'),
    table.add(at('10.0.0.2', 1), 'd'),
    table.add(at('10.0.0.3', 1), 'e'),
  ]).toEqual([true, true, false, true, false])
  expect([table.size, table.all()]).toEqual([3, ['a', 'b', 'd']])
  table.delete(at('10.0.0.1', 2), 'b')
  expect([table.add(at('10.0.0.3', 1), 'e'), table.get(at('10.0.0.3', 1)), table.get(at('10.0.0.3', 2))]).toEqual([
    true,
    'e',
    undefined,
  ])
})

test('one that has lost its place takes nothing away', () => {
  const table = new TransferTable<string>(3, 2)
  table.add(at('10.0.0.1', 1), 'new')
  table.delete(at('10.0.0.1', 1), 'old')
  table.delete(at('10.0.0.9', 1), 'old')
  expect(table.all()).toEqual(['new'])
})
