/** What a person at a terminal reads of a line. */
import { expect, test } from 'vitest'
import { journalLine, terminalLine, type WrittenLine } from '../../services/kit/terminal-line.ts'

/** The local time of that minute, whatever the zone of who runs this. */
const TIME = new Date(2026, 10, 26, 12, 4, 31, 207).toISOString()
const INFO = 30

function shown(line: Partial<WrittenLine>): string {
  return terminalLine({ time: TIME, level: INFO, msg: '', ...line })
}

test('a decision: who, what and why in columns, and after it what the words do not say', () => {
  expect(
    shown({
      ...{ room: 'dhcp', machine: 'node1', attempt: '3f9c21aa', mac: 'bc:24:11:ab:12:21', address: '10.77.0.11' },
      ...{ reason: 'selected', type: 'request', xid: '0000abcd' },
      msg: 'acknowledged 10.77.0.11 to bc:24:11:ab:12:21 (installer): the machine took our offer',
    }),
  ).toBe(
    '12:04:31.207         dhcp      node1              acknowledged 10.77.0.11 to bc:24:11:ab:12:21 (installer): the machine took our offer  attempt=3f9c21aa reason=selected',
  )
})

test('a warning says what to do, and is one without colours, too', () => {
  expect(
    shown({ level: 40, room: 'dhcp', msg: 'no free address', hint: 'enlarge the pool', reason: 'pool-full' }),
  ).toBe('12:04:31.207  warn   dhcp                         no free address; enlarge the pool  reason=pool-full')
  expect(shown({ level: 50, msg: 'it broke' })).toBe('12:04:31.207  ERROR                               it broke')
})

test('an event is of where it was seen', () => {
  expect(
    shown({ room: 'machine', source: 'http', event: 'kernel-sent', machine: 'node1', msg: 'sent the kernel' }),
  ).toBe('12:04:31.207         http      node1              sent the kernel')
})

test('whatever machines say of themselves stays on its line and moves no cursor', () => {
  expect(shown({ msg: 'seen as\u001b[2J\nERROR', name: '\u0007a\r\nb' })).toBe(
    `12:04:31.207${' '.repeat(38)}seen as [2J ERROR  name=a b`,
  )
})

test('the journal says time and level itself, and has no colours', () => {
  const line = {
    time: TIME,
    level: 40,
    room: 'dhcp',
    msg: 'no free address',
    hint: 'enlarge the pool',
    reason: 'pool-full',
  }
  expect(journalLine(line)).toBe('dhcp: no free address; enlarge the pool  reason=pool-full')
  expect(journalLine({ time: TIME, level: INFO, msg: 'library read' })).toBe('library read')
  expect(journalLine({ time: TIME, level: INFO, room: 'http', machine: 'node1', msg: 'sent\nall' })).toBe(
    'http node1: sent all',
  )
})
