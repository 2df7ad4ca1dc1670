import { expect, test } from 'vitest'
import { runningIn, secondsLeftOf, withWork, workAnnouncement } from '../../../services/console/page/store/work.ts'
import type { WorkView } from '../../../services/console/schema/work.ts'

const WORK: WorkView = {
  ...{ id: 'verify:a.iso', what: 'verify', subject: 'a.iso', unit: 'bytes', done: 1, total: 4, canCancel: true },
  startedAt: '2026-11-26T12:00:00.000Z',
}
const ended = (
  outcome: 'done' | 'cancelled' | 'failed',
  problem?: NonNullable<WorkView['end']>['problem'],
): WorkView => ({
  ...WORK,
  end: { at: WORK.startedAt, outcome, ...(problem ? { problem } : {}) },
})

test('what runs is known by its id, and no more when it has ended', () => {
  const under = withWork(new Map(), WORK, 1000)
  expect(runningIn(under, WORK.id)).toEqual({ work: WORK, heardAt: 1000 })
  expect([runningIn(under, 'doctor'), runningIn(withWork(under, ended('done'), 2000), WORK.id)]).toEqual([
    undefined,
    undefined,
  ])
})

test('the time that is left runs on while nothing is heard, and never below none', () => {
  const heard = { work: { ...WORK, secondsLeft: 5 }, heardAt: 1000 }
  expect([1000, 3500, 9000].map(now => secondsLeftOf(heard, now))).toEqual([5, 3, 0])
  expect(secondsLeftOf({ work: WORK, heardAt: 1000 }, 1000)).toBeUndefined()
})

test('only its end is said aloud', () => {
  const problem = { code: 'iso-changed', message: 'it was changed', hint: 'wait', severity: 'error' } as const
  expect([WORK, ended('done'), ended('cancelled'), ended('failed', problem)].map(workAnnouncement)).toEqual([
    undefined,
    'Verifying a.iso is done',
    'Verifying a.iso was cancelled',
    'Verifying a.iso failed: it was changed',
  ])
})
