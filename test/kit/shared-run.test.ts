import { expect, test } from 'vitest'
import { sharedRun } from '../../services/kit/shared-run.ts'
import { FakeClock } from '../fake/clock.ts'

const never = { freshMs: 0, clock: new FakeClock() }

/** A task that ends when told; its result is the number of its run. */
function slowTask(): { task: () => Promise<number>; end: (failure?: Error) => Promise<void>; runs: () => number } {
  let count = 0
  let open: { resolve: (run: number) => void; reject: (error: Error) => void } | undefined
  return {
    task: () => {
      count += 1
      return new Promise((resolve, reject) => (open = { resolve, reject }))
    },
    end: async failure => {
      if (failure) open?.reject(failure)
      else open?.resolve(count)
      await new Promise(done => setImmediate(done))
    },
    runs: () => count,
  }
}

test('who asks while a run is under way gets the next one, and all of them the same', async () => {
  const { task, end, runs } = slowTask()
  const ask = sharedRun(task, never)
  const first = ask()
  const others = [ask(), ask(), ask()]
  expect(runs()).toBe(1)
  await end()
  expect([await first, runs()]).toEqual([1, 2])
  const last = ask()
  await end()
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  await end()
  expect([await last, runs()]).toEqual([3, 3])
})

test('one after the other, each has a run of its own', async () => {
  let runs = 0
  const ask = sharedRun(async () => (runs += 1), never)
  expect([await ask(), await ask(), await ask()]).toEqual([1, 2, 3])
})

test('a run that fails is the failure of who asked for it, and nobody else’s', async () => {
  const { task, end } = slowTask()
  const ask = sharedRun(task, never)
  const first = ask()
  const second = ask()
  const failed = expect(first).rejects.toThrow('disk')
  await end(new Error('disk'))
  await failed
  await end()
  expect(await second).toBe(2)
})

test('a result that is young enough is given again, a failure is not', async () => {
  const clock = new FakeClock()
  let runs = 0
  const ask = sharedRun(
    async () => {
      runs += 1
      if (runs === 2) throw new Error('disk')
      return runs
    },
    { freshMs: 50, clock },
  )
  expect(await ask()).toBe(1)
  clock.advance(49)
  expect(await ask()).toBe(1)
  clock.advance(1)
  await expect(ask()).rejects.toThrow('disk')
  expect(await ask()).toBe(3)
})

test('who asks soon after a run has begun shares it, who asks later gets the next one', async () => {
  const clock = new FakeClock()
  const { task, end, runs } = slowTask()
  const ask = sharedRun(task, { freshMs: 50, clock })
  const first = ask()
  clock.advance(49)
  const second = ask()
  clock.advance(1)
  const third = ask()
  expect(runs()).toBe(1)
  await end()
  expect([await first, await second, runs()]).toEqual([1, 1, 2])
  await end()
  expect(await third).toBe(2)
})
