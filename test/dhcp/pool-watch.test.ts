import { expect, test } from 'vitest'
import { isNearlyFull } from '../../services/dhcp/pool-watch.ts'
import { Wire } from '../scenarios/wire.ts'
import { dhcp, mac } from './messages.ts'
import { subnet } from './rig.ts'

test.each([
  ['below nine tenths', 89, false, false],
  ['at nine tenths', 90, false, true],
  ['a little less, while there is an alarm', 81, true, true],
  ['room again', 79, true, false],
])('%s: %i of 100', (_, poolTaken, alarmed, expected) => {
  expect(isNearlyFull({ poolSize: 100, poolTaken }, alarmed)).toBe(expected)
})

test('a subnet without pools is never full', () => {
  expect(isNearlyFull({ poolSize: 0, poolTaken: 0 }, false)).toBe(false)
})

test('a pool that fills up is told once, with the numbers, and it is over when there is room again', async () => {
  const wire = await Wire.open({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.109'])] })
  const boot = async (from: number, to: number) => {
    for (let n = from; n < to; n += 1) {
      await wire.send('machine', dhcp('discover', { mac: mac(`52:54:00:00:00:0${n}`), xid: n }))
      wire.server.watchPools()
    }
  }
  const list = () =>
    wire.alarms.list().map(({ code, subject, message, endedAt }) => [code, subject, message, endedAt !== undefined])
  await boot(0, 8)
  expect(list()).toEqual([])
  await boot(8, 10)
  const told = wire.log.lines.filter(({ reason }) => reason === 'pool-nearly-full')
  expect(told).toMatchObject([
    { level: 'warn', message: '9 of the 10 addresses in the pools of 10.77.0.0/24 are taken' },
  ])
  expect(list()).toEqual([
    ['pool-nearly-full', '10.77.0.0/24', '10 of the 10 addresses in the pools of 10.77.0.0/24 are taken', false],
  ])
  wire.clock.advance(60_000)
  wire.server.watchPools()
  expect(list().map(([code, , , isOver]) => [code, isOver])).toEqual([['pool-nearly-full', true]])
})
