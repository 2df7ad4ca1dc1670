import { expect, test } from 'vitest'
import type { Mac } from '../../services/kit/mac.ts'
import { Backlog, TURN_MOST, WAITING_MOST } from '../../services/dhcp/backlog.ts'

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index)

function backlog() {
  const answered: number[] = []
  const dropped: number[] = []
  const waiting = new Backlog<number>(
    one => answered.push(one),
    one => dropped.push(one),
  )
  /** Of a machine of its own, unless somebody says whose. */
  const add = (one: number, machine = `machine ${one}`): void => waiting.add(machine as Mac, one)
  return { answered, dropped, waiting, add }
}

test('what comes in one turn is answered in the next one, in order', async () => {
  const { answered, add } = backlog()
  for (const one of [1, 2, 3]) add(one)
  expect(answered).toEqual([])
  await turn()
  expect(answered).toEqual([1, 2, 3])
})

test('M08 a crowd is answered some at a time, so that what else comes is heard between them', async () => {
  const { answered, dropped, add } = backlog()
  for (const one of numbers(0, 100)) add(one)
  const seen: number[] = []
  while (answered.length < 100) {
    await turn()
    seen.push(answered.length)
  }
  expect(seen).toEqual([TURN_MOST, 2 * TURN_MOST, 3 * TURN_MOST, 100])
  expect([answered, dropped]).toEqual([numbers(0, 100), []])
})

test('when too many wait the oldest are dropped, and said to be', async () => {
  const { answered, dropped, add } = backlog()
  for (const one of numbers(0, WAITING_MOST + 10)) add(one)
  expect(dropped).toEqual(numbers(0, 10))
  while (answered.length < WAITING_MOST) await turn()
  expect(answered).toEqual(numbers(10, WAITING_MOST))
})

test('nothing is answered any more once it is cleared', async () => {
  const { answered, waiting, add } = backlog()
  add(1)
  waiting.clear()
  await turn()
  add(2)
  await turn()
  expect(answered).toEqual([2])
})

test('the messages of one machine keep their order: what waits of it is answered before its next one', async () => {
  const { answered, waiting, add } = backlog()
  for (const one of [1, 2, 3]) add(one)
  waiting.settle('machine 2' as Mac)
  expect(answered).toEqual([2])
  add(4, 'machine 3')
  expect(answered).toEqual([2, 3])
  await turn()
  expect(answered).toEqual([2, 3, 1, 4])
  waiting.settle('machine 1' as Mac)
  expect(answered).toHaveLength(4)
})
