/** What is counted of a machine's life. */
import { expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { countMachines } from '../../services/machine/counts.ts'
import type { AttemptId, Fact } from '../../services/machine/event.ts'
import { FakeMeter } from '../fake/meter.ts'
import { Fleet, NODE1 } from './rig.ts'

const ADDRESS = '10.77.0.11' as Ipv4

async function open(): Promise<{ fleet: Fleet; meter: FakeMeter; start: () => Promise<AttemptId> }> {
  const fleet = await Fleet.open()
  const meter = new FakeMeter()
  countMachines(meter, fleet.registry)
  const start = async (): Promise<AttemptId> => {
    const attempt = await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: true })
    if (typeof attempt !== 'string') throw new Error(attempt.message)
    return attempt
  }
  return { fleet, meter, start }
}

const script = (attempt: AttemptId): Fact => ({ type: 'script-served', attempt, address: ADDRESS, resumed: false })
const answer = (attempt: AttemptId): Fact => ({
  ...{ type: 'answer-served', attempt, address: ADDRESS, layers: [], sha256: '', leftOut: [], withToken: true },
})
const report = (attempt: AttemptId): Fact => ({ type: 'reported', attempt, installed: {} })

test('every stage has its time, and the whole has', async () => {
  const { fleet, meter, start } = await open()
  const attempt = await start()
  const after = async (seconds: number, fact: Fact): Promise<void> => {
    fleet.clock.advance(seconds * 1000)
    await fleet.registry.record(fleet.machine(NODE1).id, fact, 'http')
  }
  await after(5, script(attempt))
  await after(2, { type: 'kernel-sent', attempt, bytes: 1 })
  await after(1, { type: 'initrd-started', attempt, bytes: 1 })
  await after(60, { type: 'initrd-sent', attempt, bytes: 1 })
  await after(30, answer(attempt))
  await after(300, report(attempt))
  const sums = Object.entries(meter.read('rackrise_attempt_stage_seconds_sum'))
  expect(sums.map(([series, seconds]) => [/"(.*)"/.exec(series)![1], seconds])).toEqual([
    ['kernel', 2],
    ['initrd', 60],
    ['answer', 30],
    ['report', 300],
    ['total', 393],
  ])
  expect(meter.read('rackrise_machines')).toEqual({ 'rackrise_machines{state="installed"}': 1 })
  expect(meter.read('rackrise_attempts_total')).toEqual({
    'rackrise_attempts_total{outcome="started"}': 1,
    'rackrise_attempts_total{outcome="installed"}': 1,
  })
})

test('what does not fit the attempt, or comes a second time, is no time of it', async () => {
  const { fleet, meter, start } = await open()
  const first = await start()
  await fleet.happen(NODE1, script(first), answer(first), report(first))
  const second = await start()
  await fleet.happen(NODE1, answer(first), report(first), script(second), report(first))
  expect(meter.read('rackrise_attempt_stage_seconds_count')).toEqual({
    'rackrise_attempt_stage_seconds_count{stage="answer"}': 1,
    'rackrise_attempt_stage_seconds_count{stage="report"}': 1,
    'rackrise_attempt_stage_seconds_count{stage="total"}': 1,
  })
})

test.each<[Fact['type'], (attempt: AttemptId) => Fact]>([
  ['answer-failed', attempt => ({ type: 'answer-failed', attempt, reason: 'a secret that is no label' })],
  ['gave-up', attempt => ({ type: 'gave-up', attempt, reason: 'no ISO' })],
  ['stalled', attempt => ({ type: 'stalled', attempt, silentSeconds: 1200, stage: 'ipxe' })],
])('an attempt that is %s is counted as that', async (outcome, factOf) => {
  const { fleet, meter, start } = await open()
  const attempt = await start()
  await fleet.happen(NODE1, script(attempt), factOf(attempt))
  expect(meter.read('rackrise_attempts_total')).toEqual({
    'rackrise_attempts_total{outcome="started"}': 1,
    [`rackrise_attempts_total{outcome="${outcome}"}`]: 1,
  })
})
