import { expect, test } from 'vitest'
import type { Problem } from '../../services/kit/problem.ts'
import { ENDED_KEPT_MS, type Work, WorkList, workLeftMs, type WorkNews, workRate } from '../../services/kit/work.ts'
import { FakeClock } from '../fake/clock.ts'

const ABOUT = { id: 'verify:a.iso', what: 'verify', unit: 'bytes', total: 4000, canCancel: true } as const
const CHANGED: Problem = { code: 'iso-changed', message: 'it changed', hint: 'wait', severity: 'error' }

test('one run for all who ask meanwhile; rate and time left are those of its beginning until now', async () => {
  const [clock, begun] = [new FakeClock(), Promise.withResolvers<string>()]
  const list = new WorkList(clock)
  let runs = 0
  let tell: (news: WorkNews) => void = () => {}
  const run = (): Promise<string> =>
    list.run(ABOUT, news => {
      runs += 1
      tell = news
      return begun.promise
    })
  const both = Promise.all([run(), run()])
  expect(list.list().map(work => [workRate(work), workLeftMs(work, clock.now())])).toEqual([[0, undefined]])
  clock.advance(2000)
  tell({ done: 1000 })
  const work = list.find(ABOUT.id)!
  expect([runs, work.done, workRate(work), workLeftMs(work, clock.now())]).toEqual([1, 1000, 500, 6000])
  begun.resolve('good')
  expect(await both).toEqual(['good', 'good'])
  const ended = list.find(ABOUT.id)!
  expect([ended.done, ended.end?.outcome, workLeftMs(ended, clock.now())]).toEqual([4000, 'done', undefined])
  tell({ done: 7 })
  expect(list.find(ABOUT.id)).toBe(ended)
  clock.advance(ENDED_KEPT_MS + 1)
  expect(list.list()).toEqual([])
})

test('what takes at most so long has so much less left as time passes', () => {
  const work: Work = { ...ABOUT, unit: 'steps', done: 1, startedAt: 0, at: 1000, leftMs: 5000 }
  expect([0, 2000, 9000].map(later => workLeftMs(work, 1000 + later))).toEqual([5000, 3000, 0])
})

test('cancelled, failed with a problem, and broken are three ends; the next run is another one', async () => {
  const list = new WorkList(new FakeClock())
  const ends: unknown[] = []
  const note = (): void => void ends.push(list.find(ABOUT.id)?.end?.outcome)
  const cancelled = list.run(ABOUT, (_, signal) => {
    const ended = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => ended.reject(signal.reason as Error))
    return ended.promise
  })
  expect([list.cancel('doctor'), list.cancel(ABOUT.id)]).toEqual([false, true])
  await expect(cancelled).rejects.toThrow(/abort/i)
  note()
  await list.run(ABOUT, async () => CHANGED)
  note()
  await expect(list.run(ABOUT, () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk')
  note()
  expect(ends).toEqual(['cancelled', 'failed', 'failed'])
  expect(list.find(ABOUT.id)?.end).toMatchObject({ problem: { code: 'work-failed', message: 'no disk' } })
  expect(list.cancel(ABOUT.id)).toBe(false)
})

test('what can’t be cancelled runs on, and the end of the list waits for the rest', async () => {
  const list = new WorkList(new FakeClock())
  const never = new Promise<void>(() => {})
  void list.run({ ...ABOUT, id: 'doctor', canCancel: false }, () => never)
  let isOver = false
  const run = list.run(ABOUT, async (_, signal) => {
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    isOver = true
  })
  expect(list.cancel('doctor')).toBe(false)
  await list.close()
  await run
  expect([isOver, list.isRunning('doctor'), list.isRunning(ABOUT.id)]).toEqual([true, true, false])
})
