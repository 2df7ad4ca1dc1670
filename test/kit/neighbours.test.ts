import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { neighbourAt, parseNeighbours } from '../../services/kit/neighbours.ts'

const HEAD = 'IP address       HW type     Flags       HW address            Mask     Device\n'

test('nobody stands at an address of an interface that is not there', () => {
  expect(neighbourAt('nosuch0', '10.77.0.11' as Ipv4)).toBeUndefined()
})

describe('neighbours', () => {
  test('a resolved entry names address, hardware address and interface', () => {
    const line = '10.77.0.11       0x1         0x2         bc:24:11:ab:12:21     *        eth1\n'
    expect(parseNeighbours(HEAD + line)).toEqual([{ address: '10.77.0.11', mac: 'bc:24:11:ab:12:21', device: 'eth1' }])
  })

  test('a permanent entry counts', () => {
    const line = '10.77.0.12       0x1         0x6         BC:24:11:AB:12:22     *        eth1\n'
    expect(parseNeighbours(HEAD + line)).toEqual([{ address: '10.77.0.12', mac: 'bc:24:11:ab:12:22', device: 'eth1' }])
  })

  test('an address that nobody answered for is no neighbour', () => {
    const line = '10.77.0.13       0x1         0x0         00:00:00:00:00:00     *        eth1\n'
    expect(parseNeighbours(HEAD + line)).toEqual([])
  })

  test.each(['', HEAD, 'x', '10.77.0.14 0x1\n'])('other text has no neighbours: %j', text => {
    expect(parseNeighbours(text)).toEqual([])
  })
})
