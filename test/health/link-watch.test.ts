/** The interface while the appliance runs. */
import { expect, test } from 'vitest'
import { LOOK_MS, watchLink } from '../../services/health/link-watch.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import type { InterfaceState } from '../../services/kit/native-socket.ts'
import { FakeClock } from '../fake/clock.ts'
import { HeardLog, siteOf } from '../machine/rig.ts'

test('what is wrong with it is an alarm while that lasts; made anew and ready, it ends the process, once', async () => {
  const [clock, log, site] = [new FakeClock(), new HeardLog(), siteOf()]
  const alarms = new Alarms(clock)
  const { address } = site.network
  let state: InterfaceState | undefined = { index: 4, isUp: true, hasCarrier: true }
  let addresses: string[] = [address]
  let ends = 0
  const link = { state: () => state, addresses: () => addresses }
  const stop = watchLink({ site, link, alarms, log, clock, end: () => ends++ })
  const lasting = async (): Promise<string[]> => {
    clock.advance(LOOK_MS)
    await new Promise(setImmediate)
    return alarms.list().flatMap(({ code, endedAt }) => (endedAt === undefined ? [code] : []))
  }
  expect(await lasting()).toEqual([])
  state = { index: 4, isUp: false, hasCarrier: false }
  expect(await lasting()).toEqual(['interface-down'])
  state = { index: 4, isUp: true, hasCarrier: false }
  expect(await lasting()).toEqual(['no-carrier'])
  state = { index: 4, isUp: true, hasCarrier: true }
  addresses = []
  expect(await lasting()).toEqual(['address-missing'])
  state = undefined
  expect(await lasting()).toEqual(['interface-missing'])
  state = { index: 9, isUp: true, hasCarrier: true }
  expect([await lasting(), ends]).toEqual([['address-missing'], 0])
  addresses = [address]
  expect([await lasting(), ends]).toEqual([[], 1])
  await lasting()
  expect([ends, log.of('error').length]).toEqual([1, 1])
  await stop()
})
