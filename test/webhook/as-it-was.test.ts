/** What is told of an event is what it was, although more happened to its machine before anybody looked. */
import { afterEach, expect, test } from 'vitest'
import type { AttemptId } from '../../services/machine/event.ts'
import { ANSWER, NODE1, SCRIPT } from '../machine/rig.ts'
import { Bench, HOOK, REPORT } from './rig.ts'

let bench: Bench
afterEach(() => bench.stop())

const toldOf = (): unknown[] =>
  bench.sent.map(({ body }) => {
    const { event, attempt, profile, reason, installed } = JSON.parse(body)
    return [event, attempt, profile, reason ?? installed.inferred]
  })
const order = (profile?: string) =>
  bench.registry.startAttempt(bench.registry.byMac(NODE1)!, {
    ...{ by: 'operator', again: true },
    ...(profile ? { profile } : {}),
  })
/** Its report, and the order to install it again, in one turn of the event loop. */
const reportAndOrder = async (attempt: AttemptId): Promise<AttemptId> => {
  const [, next] = await Promise.all([bench.happen(NODE1, REPORT(attempt)), order('pve2')])
  if (typeof next !== 'string') throw new Error(next.message)
  return next
}
const answered = async (): Promise<AttemptId> => {
  bench = await Bench.start()
  const attempt = await bench.begin()
  await bench.happen(NODE1, ANSWER(attempt))
  return attempt
}

test('a machine that is installed again within the second of its report did install', async () => {
  const attempt = await answered()
  const next = await reportAndOrder(attempt)
  await bench.pass(2)
  expect(toldOf()).toEqual([['installed', attempt, 'pve', false]])
  await bench.happen(NODE1, { type: 'gave-up', attempt: next, reason: 'no disk' })
  await bench.pass(2)
  expect(toldOf().slice(1)).toEqual([['failed', next, 'pve2', 'no disk']])
})

test('also where the process ends in between, and only once', async () => {
  const attempt = await answered()
  await bench.restart(HOOK, async () => {
    await bench.happen(NODE1, { type: 'installation-inferred', attempt, evidence: 'it did not come back' })
    const next = await reportAndOrder(attempt)
    await bench.happen(NODE1, SCRIPT(next))
  })
  await bench.pass(3)
  await bench.restart()
  await bench.pass(3)
  expect(toldOf()).toEqual([
    ['installed', attempt, 'pve', true],
    ['installed', attempt, 'pve', false],
  ])
})

test('one that failed and is approved again at once is told with the attempt that failed', async () => {
  const attempt = await answered()
  await Promise.all([bench.happen(NODE1, { type: 'gave-up', attempt, reason: 'no disk' }), order('pve2')])
  await bench.pass(2)
  expect(toldOf()).toEqual([['failed', attempt, 'pve', 'no disk']])
})
