/** The state that cannot be written: an alarm while that lasts. */
import { expect, test } from 'vitest'
import { LOOK_MS, watchStore } from '../../services/health/store-watch.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { FakeClock } from '../fake/clock.ts'
import { HeardLog } from '../machine/rig.ts'

test('begins with the first write that fails, ends with the first that does not, and looks at the disk both times', async () => {
  const [clock, log] = [new FakeClock(), new HeardLog()]
  const alarms = new Alarms(clock)
  let broken: string | undefined
  let [looks, proofs] = [0, 0]
  const store = {
    failure: undefined as string | undefined,
    async prove() {
      proofs += 1
      store.failure = broken
    },
  }
  const stop = watchStore({ store, alarms, log, clock, look: () => looks++ })
  const pass = async (): Promise<void> => {
    clock.advance(LOOK_MS)
    await new Promise(setImmediate)
  }
  await pass()
  expect([proofs, alarms.list()]).toEqual([1, []])
  broken = store.failure = 'database or disk is full'
  await pass()
  await pass()
  expect([proofs, looks, alarms.lasts('store-failed')]).toEqual([3, 1, true])
  expect(log.of('error')).toEqual(['error the state can not be written: database or disk is full'])
  broken = undefined
  await pass()
  expect([proofs, looks, alarms.lasts('store-failed')]).toEqual([4, 2, false])
  await pass()
  expect(proofs).toBe(4)
  await stop()
})
