import { expect, test } from 'vitest'
import { stateAfter } from '../../services/machine/state-after.ts'
import type { MachineEvent } from '../../services/machine/event.ts'
import type { Machine } from '../../services/machine/lifecycle.ts'
import { ANSWER, Fleet, NODE1, NODE2, SCRIPT, siteOf } from './rig.ts'

test('a machine is as each of its events left it, over several pages of its timeline and beside other machines', async () => {
  const rig = await Fleet.open(siteOf())
  await rig.registry.sight({ macs: [NODE2] }, 'dhcp')
  const then = new Map<number, Machine>()
  rig.registry.subscribe((machine, event: MachineEvent) => then.set(event.seq!, structuredClone(machine)))
  for (let turn = 0; turn < 60; turn += 1) {
    const attempt = await rig.registry.startAttempt(rig.machine(NODE1), { by: 'operator', again: true })
    if (typeof attempt !== 'string') throw new Error(attempt.message)
    for (const fact of [SCRIPT(attempt), ANSWER(attempt)]) await rig.happen(NODE1, fact)
    await rig.happen(NODE1, { type: 'reported', attempt, installed: { fqdn: `node1-${turn}.rack.test` } })
    await rig.happen(NODE2, { type: 'blocked', reason: `reason ${turn}` })
  }
  expect(then.size).toBeGreaterThan(250)
  for (const [seq, machine] of then) {
    expect(await stateAfter(rig.store, { machine: machine.id, seq })).toEqual(machine)
  }
})

test('of a machine that was forgotten nothing is left', async () => {
  const rig = await Fleet.open(siteOf(''))
  const { id } = await rig.registry.sight({ macs: [NODE2] }, 'dhcp')
  await rig.registry.forget(rig.machine(NODE2), 'anna')
  expect(await stateAfter(rig.store, { machine: id, seq: 99 })).toBeUndefined()
})
