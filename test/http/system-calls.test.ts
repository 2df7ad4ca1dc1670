/** Congestion control: which sockets leave theirs. The kernel of whoever runs this may have no BBR. */
import { closeSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  congestionOf,
  leaveBbr,
  loadSystemCalls,
  setCongestion,
  type SystemCalls,
} from '../../services/http/system-calls.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { openNativeSocket } from '../../services/kit/native-socket.ts'

/** A socket that has this one. */
function socketWith(name: string): { calls: SystemCalls; now: () => string } {
  let current = name
  const calls: Partial<SystemCalls> = {
    getsockopt: (_fd, _level, _name, value) => {
      new TextEncoder().encodeInto(`${current}\0`, value)
      return 0
    },
    setsockopt: (_fd, _level, _name, value) => {
      current = new TextDecoder().decode(value)
      return 0
    },
  }
  return { calls: calls as SystemCalls, now: () => current }
}

test.each([
  ['bbr', 'reno'],
  ['cubic', 'cubic'],
  ['dctcp', 'dctcp'],
])('a listener with %s has %s then', (before, after) => {
  const { calls, now } = socketWith(before)
  leaveBbr(calls, 3)
  expect(now()).toBe(after)
})

test('the kernel is told, and says so', () => {
  const calls = loadSystemCalls()
  const listener = openNativeSocket('tcp', { address: '127.0.0.1' as Ipv4, port: 0 })
  setCongestion(calls, listener, 'reno')
  expect(congestionOf(calls, listener)).toBe('reno')
  closeSync(listener)
})
