import { expect, test } from 'vitest'
import { EventLoopWatch, heldTrouble } from '../../services/kit/event-loop.ts'

const HELD_MS = 120

test('M08 how long the event loop stood still is known, once', async () => {
  const watch = new EventLoopWatch()
  const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 30))
  await turn()
  watch.takeLongest()
  await turn()
  for (const end = performance.now() + HELD_MS; performance.now() < end; );
  await turn()
  expect(watch.takeLongest()).toBeGreaterThan(HELD_MS / 2)
  expect(watch.takeLongest()).toBe(0)
  watch.close()
})

test.each([
  ['a turn like any other', 0, undefined],
  ['less than anybody notices', 499, undefined],
  ['a second', 1000, 'nothing was heard for 1000 ms: the process was busy with one thing, or had no processor'],
])('M08 an alarm of %s', (_, milliseconds, message) => {
  expect(heldTrouble(milliseconds)?.message).toBe(message)
})
