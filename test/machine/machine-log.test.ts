/** Whose line it is, as every room's log says it. */
import { expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Log, LogFields } from '../../services/kit/log.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import { machineLog } from '../../services/machine/machine-log.ts'
import { Fleet, NODE1 } from './rig.ts'

const STRANGER = '52:54:00:00:00:99' as Mac
const ADDRESS = '10.77.0.11' as Ipv4

async function open(): Promise<{ fleet: Fleet; attempt: AttemptId; said: (fields: LogFields) => LogFields }> {
  const fleet = await Fleet.open()
  const { registry } = fleet
  const attempt = await registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  let heard: LogFields = {}
  const silent = (): void => {}
  const log: Log = { debug: silent, info: fields => void (heard = fields), warn: silent, error: silent }
  const told = machineLog(log, registry, 'tftp', address => (address === ADDRESS ? NODE1 : undefined))
  return { fleet, attempt, said: fields => (told.info(fields, ''), heard) }
}

test('a line with its MAC has its name and the open attempt', async () => {
  const { said, attempt } = await open()
  expect(said({ mac: NODE1 })).toEqual({ room: 'tftp', machine: 'node1', attempt, mac: NODE1 })
})

test('an address is whose lease it is; an address of nobody says no machine', async () => {
  const { said, attempt } = await open()
  expect(said({ address: ADDRESS })).toEqual({ room: 'tftp', machine: 'node1', attempt, address: ADDRESS })
  expect(said({ address: '10.77.0.200' })).toEqual({ room: 'tftp', address: '10.77.0.200' })
})

test('the MAC counts where both are told: the address may be another one’s', async () => {
  const { said } = await open()
  expect(said({ mac: STRANGER, address: ADDRESS })).toEqual({
    room: 'tftp',
    machine: STRANGER,
    mac: STRANGER,
    address: ADDRESS,
  })
})

test('what the room says itself counts, and a line about no machine stays as it is', async () => {
  const { said } = await open()
  expect(said({ mac: NODE1, attempt: '3f9c21aa' })).toMatchObject({ attempt: '3f9c21aa' })
  expect(said({ port: 69 })).toEqual({ room: 'tftp', port: 69 })
})

test.each([
  ['approved', [], true],
  ['installing', ['script', 'answer'], true],
  ['installed', ['script', 'answer', 'report'], false],
  ['failed', ['give-up'], false],
  ['stalled', ['script', 'stall'], true],
])('an attempt of a machine that is %s', async (state, steps, isOpen) => {
  const { fleet, attempt, said } = await open()
  const facts = {
    script: { type: 'script-served', attempt, address: ADDRESS, resumed: false },
    answer: {
      ...{ type: 'answer-served', attempt, address: ADDRESS, layers: [], sha256: '', leftOut: [], withToken: true },
    },
    report: { type: 'reported', attempt, installed: {} },
    'give-up': { type: 'gave-up', attempt, reason: 'no ISO' },
    stall: { type: 'stalled', attempt, silentSeconds: 1200, stage: 'ipxe' },
  } as const
  for (const step of steps) await fleet.happen(NODE1, facts[step as keyof typeof facts] as never)
  expect(fleet.machine(NODE1).state).toBe(state)
  expect(said({ mac: NODE1 })['attempt']).toBe(isOpen ? attempt : undefined)
})

test('nobody is looked up for a line that is not written', () => {
  const asked: unknown[] = []
  const silent = (): void => {}
  const quiet: Log = { debug: silent, info: silent, warn: silent, error: silent, isLevelEnabled: () => false }
  const known = { byMac: (mac: Mac) => (asked.push(mac), undefined), titleOf: () => '' }
  machineLog(quiet, known, 'dns').debug({ mac: NODE1 }, 'a question')
  expect(asked).toEqual([])
})
