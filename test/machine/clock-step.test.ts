/** The clock of the host is set while machines are on their way: nothing stalls, is inferred, is forgotten or is installed because of it. */
import { expect, test } from 'vitest'
import { scriptPlan } from '../../services/boot/plan.ts'
import type { Fact } from '../../services/machine/event.ts'
import { BACK_WITHIN_MS } from '../../services/machine/lifecycle.ts'
import { SAME_WITHIN_MS } from '../../services/machine/repeats.ts'
import { ANSWER, Fleet, NODE1, SCRIPT, TOLD_LOCAL } from './rig.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
/** A machine without a battery, before anybody told it the time. */
const SIXTIES = 1_000_000 - Date.UTC(2026, 0, 1)
const STALL_AFTER_MS = 20 * 60_000

const back: Fact = { type: 'leased', address: '10.77.0.11' as never, stage: 'firmware', loader: 'snponly.efi' }

async function booting(...facts: ((attempt: never) => Fact)[]): Promise<Fleet> {
  const fleet = await Fleet.open()
  await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
  await fleet.happen(NODE1, SCRIPT, ...facts)
  return fleet
}

const STEPS: [string, number][] = [
  ['forward by an hour', HOUR_MS],
  ['forward by a year', YEAR_MS],
  ['back by an hour', -HOUR_MS],
  ['back to 1970', SIXTIES],
]

test.each(STEPS)(
  'a machine that loads is not stalled by a clock that is set %s, and is by its silence',
  async (_, by) => {
    const fleet = await booting()
    fleet.clock.set(fleet.clock.now() + by)
    await fleet.registry.sweep()
    fleet.clock.advance(STALL_AFTER_MS - 1)
    await fleet.registry.sweep()
    expect(fleet.machine(NODE1).state).toBe('booting')
    fleet.clock.advance(1)
    await fleet.registry.sweep()
    expect(fleet.machine(NODE1)).toMatchObject({ state: 'stalled', reason: expect.stringContaining('20m') })
  },
)

test.each(STEPS)('that a machine booted its disk is not inferred from a clock that is set %s', async (_, by) => {
  const fleet = await booting(ANSWER, TOLD_LOCAL)
  fleet.clock.set(fleet.clock.now() + by)
  await fleet.registry.sweep()
  fleet.clock.advance(BACK_WITHIN_MS)
  await fleet.registry.sweep()
  expect(fleet.machine(NODE1).state).toBe('installing')
  fleet.clock.advance(1)
  await fleet.registry.sweep()
  expect(fleet.machine(NODE1).state).toBe('installed')
})

test.each([-HOUR_MS, SIXTIES])(
  'a machine that is back after the clock was set back by %i ms boots its disk: nobody knows how long it was away',
  async by => {
    const fleet = await booting(ANSWER, TOLD_LOCAL)
    fleet.clock.set(fleet.clock.now() + by)
    fleet.clock.advance(60_000)
    await fleet.happen(NODE1, back)
    for (const diskFailed of [false, true])
      expect(scriptPlan(fleet.machine(NODE1), fleet.clock.now(), diskFailed)).toMatchObject({ do: 'local-disk' })
  },
)

test('the same words are told again after ten minutes, whatever the clock was set to meanwhile', async () => {
  const fleet = await Fleet.open()
  const refused: Fact = { type: 'answer-refused', reason: 'held', address: '10.77.0.11' }
  await fleet.happen(NODE1, refused, refused)
  fleet.clock.set(fleet.clock.now() - YEAR_MS)
  fleet.clock.advance(SAME_WITHIN_MS)
  await fleet.registry.sweep()
  await fleet.happen(NODE1, refused)
  expect(fleet.store.typesOf(fleet.machine(NODE1).id).slice(-3)).toEqual([
    'answer-refused',
    'repeated',
    'answer-refused',
  ])
})

test('after a restart, too, silence counts from when the appliance began to listen', async () => {
  const fleet = await booting()
  fleet.clock.set(fleet.clock.now() - YEAR_MS)
  await fleet.restart()
  await fleet.registry.sweep()
  fleet.clock.advance(STALL_AFTER_MS)
  await fleet.registry.sweep()
  expect(fleet.machine(NODE1).state).toBe('stalled')
})
