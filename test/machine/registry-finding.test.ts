import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { BACK_WITHIN_MS } from '../../services/machine/lifecycle.ts'
import type { AttemptId, Fact } from '../../services/machine/event.ts'
import { ANSWER, Fleet, LISTED, NODE1, NODE2, SCRIPT, siteOf, STRANGER, TOLD_LOCAL } from './rig.ts'

const MINUTE = 60_000
const SECOND = `${LISTED}serial = "7K2QX93"\n[[machine]]\nname = "node2"\nmac = ["${NODE2}", "bc:24:11:ab:13:22"]\nprofile = "pve"\n`

describe('find: what a person may type', () => {
  test.each([
    ['host name', 'node1', [NODE1]],
    ['host name in capitals', ' NODE1 ', [NODE1]],
    ['full name', 'node1.rack.test', [NODE1]],
    ['MAC', NODE1, [NODE1]],
    ['MAC as a label prints it', 'BC-24-11-AB-12-21', [NODE1]],
    ['MAC as a switch prints it', 'bc24.11ab.1221', [NODE1]],
    ['MAC without anything between', 'BC2411AB1221', [NODE1]],
    ['a second NIC', 'bc:24:11:ab:13:22', [NODE2]],
    ['serial number that the site expects', '7k2qx93', [NODE1]],
    ['reservation of a machine that was never on', '10.77.0.11', [NODE1]],
    ['lease', '10.77.0.100', [STRANGER]],
    ['serial number that two machines have', 'SAME', [NODE2, STRANGER]],
    ['a piece of a name', 'node', []],
    ['nothing', '', []],
    ['dashes only', '---', []],
  ])('%s', async (_, query, found) => {
    const fleet = await Fleet.open(siteOf(SECOND))
    await fleet.registry.sight({ macs: [NODE2], serial: 'SAME' }, 'http')
    await fleet.registry.sight({ macs: [STRANGER], serial: 'SAME' }, 'http')
    await fleet.happen(STRANGER, { type: 'leased', address: '10.77.0.100' as Ipv4, stage: 'ipxe' })
    expect(fleet.registry.find(query).map(({ id }) => id)).toEqual(found)
  })
})

test('find knows a machine by what it is now, and no more by what it was', async () => {
  const fleet = await Fleet.open(siteOf(''))
  await fleet.registry.sight({ macs: [NODE1], serial: 'A1' }, 'http')
  await fleet.registry.sight({ macs: [STRANGER], serial: 'A1' }, 'http')
  const found = () => ['A1', 'B2', NODE1, '10.77.0.100', '10.77.0.101'].map(query => fleet.registry.find(query).length)
  expect(found()).toEqual([2, 0, 1, 0, 0])
  await fleet.registry.sight({ macs: [NODE1], serial: 'B2' }, 'http')
  await fleet.happen(NODE1, { type: 'leased', address: '10.77.0.100' as Ipv4, stage: 'ipxe' })
  expect(found()).toEqual([1, 1, 1, 1, 0])
  await fleet.happen(NODE1, { type: 'leased', address: '10.77.0.101' as Ipv4, stage: 'ipxe' })
  expect(found()).toEqual([1, 1, 1, 0, 1])
  await fleet.registry.forget(fleet.machine(NODE1), 'anna')
  expect(found()).toEqual([1, 0, 0, 0, 0])
})

describe('who is who', () => {
  const third = 'bc:24:11:ab:12:55' as Mac

  test('an installer posts a second NIC: the machine has two', async () => {
    const fleet = await Fleet.open()
    const machine = await fleet.registry.sight({ macs: [NODE1, third] }, 'answer')
    expect(machine.macs).toEqual([NODE1, third])
    expect(fleet.registry.byMac(third)?.id).toBe(NODE1)
  })

  test('a machine that posts the MAC of another one does not become that one', async () => {
    const fleet = await Fleet.open(siteOf(SECOND))
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    const machine = await fleet.registry.sight({ macs: [STRANGER, NODE1, third] }, 'answer')
    expect(machine.macs).toEqual([STRANGER, third])
    expect(fleet.registry.listing(machine).from).toBe('nothing')
  })

  test('what is known already is not an event', async () => {
    const fleet = await Fleet.open()
    await fleet.registry.sight({ macs: [NODE1], serial: 'A1' }, 'http')
    const before = fleet.store.rows.length
    await fleet.registry.sight({ macs: [NODE1], serial: 'A1' }, 'http')
    expect(fleet.store.rows).toHaveLength(before)
  })
})

describe('a store that fails', () => {
  const full = new Error('database or disk is full')

  test('the fact is refused and taken back, and the next one is kept', async () => {
    const fleet = await Fleet.open()
    const before = fleet.machine(NODE1)
    fleet.store.broken = full
    await expect(fleet.registry.startAttempt(before, { by: 'operator', again: false })).rejects.toThrow(
      'database or disk is full',
    )
    expect(fleet.machine(NODE1)).toEqual(before)
    fleet.store.broken = undefined
    await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
    const after = fleet.registry.machines()
    await fleet.restart()
    expect(fleet.registry.machines()).toEqual(after)
  })

  test('the token of an attempt that was not kept opens nothing', async () => {
    const fleet = await Fleet.open()
    fleet.store.broken = full
    await expect(fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })).rejects.toThrow()
    const tokens = fleet.log.lines.flatMap(line => /attempt ([0-9a-f]{8})/.exec(line)?.[1] ?? [])
    expect(tokens).toHaveLength(1)
    expect(fleet.registry.byToken(fleet.registry.token(tokens[0] as AttemptId, 'answer'), 'answer')).toBeUndefined()
  })

  test('a machine whose first sight was not kept is not known, and can come again', async () => {
    const fleet = await Fleet.open()
    fleet.store.broken = full
    await expect(fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')).rejects.toThrow()
    expect([fleet.registry.byMac(STRANGER), fleet.registry.machines().length]).toEqual([undefined, 1])
    fleet.store.broken = undefined
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    expect(fleet.machine(STRANGER).state).toBe('held')
  })

  test('of two facts on their way only the one that failed is taken back', async () => {
    const fleet = await Fleet.open()
    const { id } = fleet.machine(NODE1)
    const kept = fleet.registry.record(id, { type: 'sighted', macs: [NODE1], serial: 'A1' }, 'http')
    await kept
    fleet.store.broken = full
    const lost = fleet.registry.record(id, { type: 'blocked' }, 'operator')
    expect(fleet.machine(NODE1).state).toBe('blocked')
    await expect(lost).rejects.toThrow()
    expect([fleet.machine(NODE1).state, fleet.machine(NODE1).serial]).toEqual(['held', 'A1'])
  })

  test('listeners hear nothing of what was not kept', async () => {
    const fleet = await Fleet.open()
    const heard: string[] = []
    fleet.registry.subscribe((_, event) => heard.push(event.type))
    fleet.store.broken = full
    await expect(fleet.happen(NODE1, { type: 'blocked' })).rejects.toThrow()
    expect(heard).toEqual([])
  })
})

describe('the sweep', () => {
  async function under(...facts: ((attempt: AttemptId) => Fact)[]): Promise<Fleet> {
    const fleet = await Fleet.open()
    await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
    await fleet.happen(NODE1, ...facts.map(fact => fact(fleet.machine(NODE1).attempt!.id)))
    return fleet
  }

  async function sweepAfter(fleet: Fleet, milliseconds: number): Promise<string> {
    fleet.clock.advance(milliseconds)
    await fleet.registry.sweep()
    return fleet.machine(NODE1).state
  }

  test('a machine that fell silent while booting is stalled, once', async () => {
    const fleet = await under(SCRIPT)
    expect(await sweepAfter(fleet, 19 * MINUTE)).toBe('booting')
    expect(await sweepAfter(fleet, 2 * MINUTE)).toBe('stalled')
    expect(fleet.machine(NODE1).reason).toBe('nothing heard for 21m, last stage script served')
    await sweepAfter(fleet, 30 * MINUTE)
    expect(fleet.store.typesOf(NODE1).filter(type => type === 'stalled')).toHaveLength(1)
  })

  test('a download that goes on is a sign of life', async () => {
    const fleet = await under(SCRIPT)
    fleet.clock.advance(15 * MINUTE)
    fleet.registry.heard(fleet.machine(NODE1).id, { file: 'initrd', sent: 1, total: 2 })
    expect(await sweepAfter(fleet, 19 * MINUTE)).toBe('booting')
  })

  test('an approved machine that is switched off stays approved', async () => {
    expect(await sweepAfter(await under(), 10_000 * MINUTE)).toBe('approved')
  })

  test('a machine that was told to boot its disk and did not come back is installed, as an inference', async () => {
    const fleet = await under(SCRIPT, ANSWER, TOLD_LOCAL)
    expect(await sweepAfter(fleet, BACK_WITHIN_MS)).toBe('installing')
    expect(await sweepAfter(fleet, 1)).toBe('installed')
    expect(fleet.machine(NODE1).installed).toMatchObject({ inferred: true })
  })

  test('a machine that comes back while another one is written down did not boot its disk', async () => {
    const fleet = await under(SCRIPT)
    const { id } = await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    const attempt = await fleet.registry.startAttempt(fleet.machine(NODE2), { by: 'operator', again: false })
    await fleet.happen(NODE2, ...[SCRIPT, ANSWER, TOLD_LOCAL].map(fact => fact(attempt as AttemptId)))
    const append = fleet.store.append.bind(fleet.store)
    fleet.store.append = row => {
      const back: Fact = { type: 'leased', address: '10.77.0.12' as Ipv4, stage: 'firmware' }
      if (row.type === 'stalled') void fleet.registry.record(id, back, 'dhcp')
      return append(row)
    }
    expect(await sweepAfter(fleet, 21 * MINUTE)).toBe('stalled')
    expect(fleet.machine(NODE2).state).toBe('installing')
  })

  test('while the appliance was down nothing was heard, so nothing is said about that time', async () => {
    const stalled = await under(SCRIPT)
    stalled.clock.advance(60 * MINUTE)
    await stalled.restart()
    expect(await sweepAfter(stalled, MINUTE)).toBe('booting')
    expect(await sweepAfter(stalled, 20 * MINUTE)).toBe('stalled')

    const inferred = await under(SCRIPT, ANSWER, TOLD_LOCAL)
    inferred.clock.advance(60 * MINUTE)
    await inferred.restart()
    expect(await sweepAfter(inferred, BACK_WITHIN_MS)).toBe('installing')
    expect(await sweepAfter(inferred, 1)).toBe('installed')
  })
})
