import { describe, expect, test } from 'vitest'
import { fits, questionFor } from '../../../services/console/page/words/order-words.ts'
import { age, bytes, counted, duration, percent, rate } from '../../../services/console/page/words/quantities.ts'
import {
  needsAttention,
  pageTitle,
  progressInWords,
  stageInWords,
} from '../../../services/console/page/words/state-words.ts'
import { machine } from './machines.ts'

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [10_240, '10 KiB'],
  [1_048_575, '1.0 MiB'],
  [1_734_000_000, '1.6 GiB'],
  [5_000_000_000_000_000, '4547 TiB'],
])('%i octets are %s', (count, text) => expect(bytes(count)).toBe(text))

test('a rate is octets per second', () => expect(rate(84_000_000)).toBe('80 MiB/s'))

test.each([
  [-3, '0 s', '0 s'],
  [0.9, '0 s', '0 s'],
  [59.9, '59 s', '59 s'],
  [60, '1 min', '1 min'],
  [185, '3 min 5 s', '3 min'],
  [7800, '2 h 10 min', '2 h'],
  [86_400, '1 d', '1 d'],
  [442_800, '5 d 3 h', '5 d'],
])('%d seconds last %s and are %s ago', (seconds, lasting, ago) => {
  expect(duration(seconds)).toBe(lasting)
  expect(age(seconds)).toBe(ago)
})

test.each([
  [0, 0, 0],
  [1, 3, 33],
  [999, 1000, 99],
  [1000, 1000, 100],
  [1001, 1000, 100],
])('%i of %i is %i percent: 100 only when all was sent', (sent, total, part) => expect(percent(sent, total)).toBe(part))

test('one machine, two machines', () => {
  expect([counted(1, 'machine'), counted(2, 'machine')]).toEqual(['1 machine', '2 machines'])
})

describe('progress', () => {
  test('has a rate and a time left', () => {
    expect(progressInWords({ file: 'initrd', sent: 600, total: 1000, bytesPerSecond: 100 })).toEqual({
      file: 'initrd and ISO',
      percent: 60,
      rate: '100 B/s',
      left: '4 s',
    })
  })

  test('says nothing of the time left while it does not move, and when all was sent', () => {
    expect(progressInWords({ file: 'kernel', sent: 0, total: 1000, bytesPerSecond: 0 })).not.toHaveProperty('left')
    expect(progressInWords({ file: 'kernel', sent: 9, total: 9, bytesPerSecond: 9 })).not.toHaveProperty('left')
  })
})

test.each([
  ['failed', machine({ state: 'failed' }), true],
  ['stalled', machine({ state: 'stalled' }), true],
  ['held, waiting for an approval', machine(), false],
  ['held, going in circles', machine({ reason: 'given its loader 5 times' }), true],
  ['blocked on purpose', machine({ state: 'blocked', reason: 'lent out' }), false],
  [
    'installed, but with the identity of another',
    machine({ state: 'installed', conflicts: [{ name: 'b', id: 'x', by: 'serial', value: '7' }] }),
    true,
  ],
])('attention: %s', (_, view, is) => expect(needsAttention(view)).toBe(is))

test('a stage is a sentence, one of a newer appliance is its own word', () => {
  expect(stageInWords(machine({ stage: 'ipxe' }))).toBe('iPXE is running')
  expect(stageInWords({ ...machine(), stage: 'rescue' } as never)).toBe('rescue')
  expect(stageInWords(machine())).toBeUndefined()
})

test('the title counts what needs attention', () => {
  expect(pageTitle('Rack', 'rack-7', 3)).toBe('(3) Rack · rack-7')
  expect(pageTitle('node1', undefined, 0)).toBe('node1 · Rackrise')
})

describe('orders', () => {
  test('what the lifecycle refuses is not offered', () => {
    expect(fits('approve', { state: 'installed' })).toBe(false)
    expect(fits('reinstall', { state: 'installed' })).toBe(true)
    expect(fits('approve', { state: 'installing' })).toBe(false)
    expect(fits('forget', { state: 'booting' })).toBe(false)
    expect(fits('forget', { state: 'blocked' })).toBe(false)
    expect(fits('forget', { state: 'failed' })).toBe(true)
    expect(fits('block', { state: 'blocked' })).toBe(false)
    expect(fits('approve', { state: 'blocked' })).toBe(true)
  })

  test('one machine is asked about by its name, several by their number', () => {
    expect(questionFor('approve', [{ name: 'node1' }])).toBe('Approve node1 for installation?')
    expect(questionFor('block', [{ name: 'node1' }, { name: 'node2' }])).toBe('Block 2 machines?')
  })
})
