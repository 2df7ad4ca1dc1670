import { describe, expect, test } from 'vitest'
import { advance, waitBefore } from '../../../services/console/page/store/connection.ts'
import {
  announcement,
  collectNews,
  isSameButProgress,
  withProgress,
} from '../../../services/console/page/store/fleet.ts'
import { withEntries } from '../../../services/console/page/store/timeline.ts'
import type { Message, Progressed } from '../../../services/console/page/wire/messages.ts'
import { machine, NOW } from './machines.ts'

const LATER = '2026-11-26T12:00:09.000Z'
const event = { seq: 1, at: NOW, source: 'dhcp', type: 'leased', text: 'gave 10.77.0.2' } as const
const progressed = (id: string, sent: number): Progressed => ({
  id,
  progress: { file: 'iso', sent, total: 100, bytesPerSecond: 1 },
  heardAt: LATER,
})
const told = (view: ReturnType<typeof machine>): Message => ({ kind: 'machine', machine: view, event })

describe('a batch of messages', () => {
  test('comes to the last of each machine', () => {
    const news = collectNews([
      { kind: 'progress', progressed: progressed('a', 1) },
      { kind: 'progress', progressed: progressed('b', 5) },
      { kind: 'progress', progressed: progressed('a', 2) },
    ])
    expect([...news.progress.values()].map(({ id, progress }) => [id, progress?.sent])).toEqual([
      ['a', 2],
      ['b', 5],
    ])
  })

  test('progress from before an event does not come back after it', () => {
    const done = machine({ id: 'a', state: 'installed' })
    const news = collectNews([{ kind: 'progress', progressed: progressed('a', 99) }, told(done)])
    expect([news.machines.get('a'), news.progress.size]).toEqual([done, 0])
  })
})

test('progress changes progress and the sign of life, and its end takes it away', () => {
  const before = machine({ id: 'a', state: 'booting' })
  const under = withProgress(before, progressed('a', 7))
  expect([under.progress?.sent, under.heardAt, under.state]).toEqual([7, LATER, 'booting'])
  expect(withProgress(under, { id: 'a', heardAt: LATER })).not.toHaveProperty('progress')
})

test.each([
  ['a new machine', undefined, machine(), 'node1 is new: held'],
  [
    'the end of an installation',
    machine({ state: 'installing' }),
    machine({ state: 'installed' }),
    'node1 is installed',
  ],
  ['a failure, with its reason', machine(), machine({ state: 'failed', reason: 'no disk' }), 'node1 failed: no disk'],
  ['a machine that stands still', machine(), machine({ state: 'stalled' }), 'node1 stands still'],
  ['a step on the way says nothing', machine({ state: 'approved' }), machine({ state: 'booting' }), undefined],
  ['news without a change say nothing', machine({ state: 'failed' }), machine({ state: 'failed' }), undefined],
])('said aloud: %s', (_, before, after, text) => expect(announcement(before, after)).toBe(text))

describe('connection', () => {
  test('counts its tries from when it broke, and forgets them when it is live', () => {
    const broke = advance({ kind: 'live' }, { kind: 'broke', at: 1000 })
    expect(broke).toEqual({ kind: 'reconnecting', since: 1000, tries: 0 })
    expect(advance(broke, { kind: 'broke', at: 5000 })).toEqual({ kind: 'reconnecting', since: 1000, tries: 1 })
    expect(advance(broke, { kind: 'opened' })).toEqual({ kind: 'live' })
    expect(advance(broke, { kind: 'refused' })).toEqual({ kind: 'signed-out' })
  })

  test('waits longer each time, with a limit, and not with everybody else', () => {
    expect([0, 1, 2, 10].map(tries => waitBefore(tries, 0.5))).toEqual([500, 1000, 2000, 15_000])
    expect([waitBefore(0, 0), waitBefore(0, 1)]).toEqual([375, 625])
  })
})

test('an entry that came both ways is on the timeline once, in order', () => {
  const [one, two, three] = [1, 2, 3].map(seq => ({ ...event, seq }))
  expect(withEntries([three!], [one!, two!, three!])).toEqual([one, two, three])
})

test('progress repaints nothing but itself', () => {
  const before = machine({ id: 'a', state: 'booting' })
  expect(isSameButProgress(before, withProgress(before, progressed('a', 7)))).toBe(true)
  expect(isSameButProgress(before, { ...before, state: 'failed' })).toBe(false)
  expect(isSameButProgress(before, { ...before, reason: 'no disk' })).toBe(false)
})
