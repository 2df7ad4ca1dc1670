import { expect, test } from 'vitest'
import { FAILED_MS, Failures } from '../../services/dns/failures.ts'
import { rack, replyTo, UPSTREAMS } from './rack.ts'
import { ask, read } from './rig.ts'

test('a failure is told for three seconds, and no longer', () => {
  const failures = new Failures()
  failures.keep('a', 'upstream-silent', 1000)
  const times = [1000, 1000 + FAILED_MS - 1, 1000 + FAILED_MS]
  expect(times.map(now => failures.find('a', now))).toEqual(['upstream-silent', 'upstream-silent', undefined])
  expect([FAILED_MS, failures.size]).toEqual([3000, 0])
})

test('it is told of its own question only', () => {
  const failures = new Failures()
  failures.keep('a', 'upstream-failed', 5000)
  expect([failures.find('b', 5000), failures.find('a', 5000)]).toEqual([undefined, 'upstream-failed'])
})

test('a thousand are kept, and the oldest make room', () => {
  const failures = new Failures()
  for (let index = 0; index < 1100; index += 1) failures.keep(`name ${index}`, 'upstream-failed', 0)
  expect([failures.size, failures.find('name 75', 0), failures.find('name 76', 0)]).toEqual([
    1024,
    undefined,
    'upstream-failed',
  ])
})

test('upstream is asked once while it fails, however often somebody asks, and again three seconds later', async () => {
  const { lan, clock, client, upstream } = await rack({ forward: UPSTREAMS.slice(0, 1) })
  const servfail = (reply: Uint8Array): void => {
    reply[3] = 2
  }
  const heard = await upstream('up1', (question, send) => send(replyTo(question, servfail)))
  const machine = await client()
  for (let id = 0; id < 5; id += 1) {
    machine.send(ask({ name: 'www.example.com', id }))
    await lan.settle()
  }
  expect(machine.heard.map(bytes => [read(bytes).id, read(bytes).rcode])).toEqual([0, 1, 2, 3, 4].map(id => [id, 2]))
  expect(heard).toHaveLength(1)
  clock.advance(FAILED_MS)
  machine.send(ask({ name: 'www.example.com', id: 6 }))
  await lan.settle()
  expect([heard.length, machine.heard.length]).toEqual([2, 6])
})
