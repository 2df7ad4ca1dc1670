import { expect, test } from 'vitest'
import { CHECK_AGE_MS, keepCheck } from '../../services/health/kept-check.ts'
import type { Problem } from '../../services/kit/problem.ts'
import { FakeClock } from '../fake/clock.ts'

const problem = (code: string): Problem => ({ code, message: code, hint: 'mend it', severity: 'error' })

/** Runs end when the test says so; each finds its own number. */
function rig() {
  const clock = new FakeClock()
  const ends: (() => void)[] = []
  const world = { stamp: 'as it was', runs: 0, beside: 0 }
  let under = 0
  const ask = keepCheck({
    async run() {
      world.runs += 1
      under += 1
      world.beside = Math.max(world.beside, under)
      const { runs } = world
      await new Promise<void>(resolve => ends.push(resolve))
      under -= 1
      return [problem(`run-${runs}`)]
    },
    stamp: async () => world.stamp,
    clock,
  })
  const codes = async (fresh = false): Promise<string[]> => (await ask(fresh)).problems.map(({ code }) => code)
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  const end = async (): Promise<void> => {
    await turn()
    ends.shift()!()
    await turn()
  }
  return { clock, world, ask, codes, end }
}

test('a run is good for all until a file changes, and when it began is told', async () => {
  const { clock, world, ask, codes, end } = rig()
  const began = clock.now()
  const first = ask(false)
  await end()
  expect(await first).toEqual({ at: began, tookMs: 0, problems: [problem('run-1')] })
  expect(await codes()).toEqual(['run-1'])
  world.stamp = 'a layer was changed'
  const second = codes()
  await end()
  expect([await second, world.runs]).toEqual([['run-2'], 2])
})

test('it grows old although nothing changes', async () => {
  const { clock, codes, end } = rig()
  const first = codes()
  await end()
  await first
  clock.advance(CHECK_AGE_MS)
  const second = codes()
  await end()
  expect(await second).toEqual(['run-2'])
})

test('never two at once: who wants it fresh waits for the one that begins after the question', async () => {
  const { world, codes, end } = rig()
  const all = [codes(), codes(), codes(true), codes(true)]
  await end()
  await end()
  expect([await Promise.all(all), world.runs, world.beside]).toEqual([
    [['run-1'], ['run-1'], ['run-2'], ['run-2']],
    2,
    1,
  ])
})

test('a file that changes while it is read counts as changed', async () => {
  const { world, codes, end } = rig()
  const first = codes()
  await new Promise(resolve => setImmediate(resolve))
  world.stamp = 'changed meanwhile'
  await end()
  expect(await first).toEqual(['run-1'])
  const second = codes()
  await end()
  expect(await second).toEqual(['run-2'])
})
