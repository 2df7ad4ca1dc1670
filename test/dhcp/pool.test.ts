import { expect, test } from 'vitest'
import { AddressPool } from '../../services/dhcp/pool.ts'
import { ip } from './messages.ts'
import { OURS, subnet } from './rig.ts'

const free = (pool: AddressPool) => [...pool.neverUsed()]

test('never-used addresses come lowest first, also one that was marked by mistake and is free again', () => {
  const pool = new AddressPool(subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.101', '10.77.0.200-10.77.0.201']), OURS)
  expect(free(pool)).toEqual(['10.77.0.100', '10.77.0.101', '10.77.0.200', '10.77.0.201'])
  for (const address of free(pool)) pool.mark(address, true)
  expect(free(pool)).toEqual([])
  pool.mark(ip('10.77.0.200'), false)
  expect(free(pool)).toEqual(['10.77.0.200'])
  pool.mark(ip('10.77.0.101'), false)
  expect(free(pool)).toEqual(['10.77.0.101', '10.77.0.200'])
  pool.mark(ip('10.77.0.101'), true)
  expect(free(pool)).toEqual(['10.77.0.200'])
})
