/** Two machines that claim one identity: who is held, who is not, and what ends it. */
import { describe, expect, test, vi } from 'vitest'
import { localFleet, machineViewer } from '../../services/console/fleet.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { alarmOfConflicts } from '../../services/machine/conflict-alarm.ts'
import { viewEvent } from '../../services/console/machine-view.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import { Fleet, NODE1, NODE2, siteOf, STRANGER } from './rig.ts'

const UUID = '4c4c4544-004b-3210-8051-b7c04f583933'
const OTHER_UUID = '4c4c4544-004b-3210-8051-b7c04f583934'
const THIRD = 'bc:24:11:ab:12:55' as Mac

const machine = (name: string, macs: Mac[], more = ''): string =>
  `[[machine]]\nname = "${name}"\nmac = ${JSON.stringify(macs)}\nprofile = "pve"\n${more}`
const APPROVING = `[[rule]]\nwhen = { mac = "*" }\nprofile = "pve"\napprove = true\n`

async function approved(fleet: Fleet, mac: Mac): Promise<AttemptId> {
  const attempt = await fleet.registry.startAttempt(fleet.machine(mac), { by: 'operator', again: true })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  return attempt
}

const stateOf = (fleet: Fleet, mac: Mac): string => fleet.machine(mac).state

describe('a rule that approves', () => {
  test('not the second NIC of an installed machine: its disks would be erased under another name', async () => {
    const fleet = await Fleet.open(siteOf(APPROVING))
    await fleet.registry.sight({ macs: [STRANGER], uuid: UUID, serial: 'A1' }, 'http')
    expect(stateOf(fleet, STRANGER)).toBe('approved')
    await fleet.registry.sight({ macs: [THIRD], uuid: UUID }, 'dhcp')
    expect([stateOf(fleet, THIRD), stateOf(fleet, STRANGER)]).toEqual(['held', 'approved'])
    await fleet.registry.sight({ macs: [THIRD], serial: 'A1' }, 'http')
    expect(stateOf(fleet, THIRD)).toBe('held')
  })

  test('boards that share a UUID and differ in their serial number are two machines', async () => {
    const fleet = await Fleet.open(siteOf(APPROVING))
    await fleet.registry.sight({ macs: [STRANGER], uuid: UUID, serial: 'A1' }, 'http')
    await fleet.registry.sight({ macs: [THIRD], uuid: UUID, serial: 'B2' }, 'http')
    expect([stateOf(fleet, STRANGER), stateOf(fleet, THIRD)]).toEqual(['approved', 'approved'])
  })

  test('what was held for want of a serial number goes on when it says one', async () => {
    const fleet = await Fleet.open(siteOf(APPROVING))
    await fleet.registry.sight({ macs: [STRANGER], uuid: UUID, serial: 'A1' }, 'http')
    await fleet.registry.sight({ macs: [THIRD], uuid: UUID }, 'dhcp')
    expect(stateOf(fleet, THIRD)).toBe('held')
    await fleet.registry.sight({ macs: [THIRD], serial: 'B2' }, 'http')
    expect(stateOf(fleet, THIRD)).toBe('approved')
  })

  test('in any case of letters', async () => {
    const fleet = await Fleet.open(siteOf(APPROVING))
    await fleet.registry.sight({ macs: [STRANGER], serial: 'ab1' }, 'http')
    await fleet.registry.sight({ macs: [THIRD], serial: 'AB1' }, 'http')
    expect(stateOf(fleet, THIRD)).toBe('held')
  })
})

describe('a machine that posts the MAC of another one', () => {
  const LISTED_BOTH = siteOf(machine('node1', [NODE1]) + machine('node2', [NODE2]))

  test.each([
    ['of another entry: held', LISTED_BOTH, NODE2, 'held'],
    ['of the same entry', siteOf(machine('node1', [NODE1, NODE2])), NODE2, 'booting'],
    ['of a NIC that booted by itself and was never approved', siteOf(), STRANGER, 'booting'],
  ])('%s', async (_, site, mac, state) => {
    const fleet = await Fleet.open(site)
    await fleet.registry.sight({ macs: [mac] }, 'dhcp')
    const attempt = await approved(fleet, NODE1)
    await fleet.happen(NODE1, { type: 'script-served', attempt, address: '10.77.0.11' as Ipv4, resumed: false })
    await fleet.registry.sight({ macs: [NODE1, mac] }, 'answer')
    expect([stateOf(fleet, NODE1), fleet.machine(NODE1).macs.includes(mac)]).toEqual([
      state,
      site.machines[0]!.macs.includes(mac),
    ])
  })

  test('of one that was installed: held, and a person may go on', async () => {
    const fleet = await Fleet.open()
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    await approved(fleet, STRANGER)
    await approved(fleet, NODE1)
    await fleet.registry.sight({ macs: [NODE1, STRANGER] }, 'answer')
    expect([stateOf(fleet, NODE1), stateOf(fleet, STRANGER)]).toEqual(['held', 'approved'])
    await approved(fleet, NODE1)
    await fleet.registry.sight({ macs: [NODE1, STRANGER] }, 'answer')
    expect(stateOf(fleet, NODE1)).toBe('approved')
  })

  test('of a NIC that says of itself that it is in another box', async () => {
    const fleet = await Fleet.open()
    await fleet.registry.sight({ macs: [STRANGER], uuid: OTHER_UUID }, 'dhcp')
    await approved(fleet, NODE1)
    await fleet.registry.sight({ macs: [NODE1, STRANGER], uuid: UUID }, 'answer')
    expect(stateOf(fleet, NODE1)).toBe('held')
  })

  test('an installation that was answered goes on', async () => {
    const fleet = await Fleet.open(LISTED_BOTH)
    const attempt = await approved(fleet, NODE1)
    const layers = { layers: [], sha256: '', leftOut: [], withToken: true }
    await fleet.happen(NODE1, { type: 'answer-served', attempt, address: '10.77.0.11', ...layers })
    await fleet.registry.sight({ macs: [NODE1, NODE2] }, 'answer')
    expect([stateOf(fleet, NODE1), fleet.machine(NODE1).conflicts]).toEqual([
      'installing',
      [{ with: NODE2, by: 'mac', value: NODE2 }],
    ])
  })
})

test('the UUID and serial number of an entry are its machine’s, whoever says them first', async () => {
  const fleet = await Fleet.open(siteOf(machine('node1', [NODE1], `uuid = "${UUID}"\nserial = "A1"\n`) + APPROVING))
  await fleet.registry.sight({ macs: [STRANGER], uuid: UUID }, 'dhcp')
  await fleet.registry.sight({ macs: [NODE1], uuid: UUID, serial: 'A1' }, 'http')
  expect([stateOf(fleet, STRANGER), fleet.machine(NODE1).conflicts]).toEqual(['held', undefined])
})

test('both candidates are shown on both, the timeline tells it once, and a site file that is mended ends it', async () => {
  const fleet = await Fleet.open(siteOf(machine('node1', [NODE1], 'serial = "A1"\n')))
  await fleet.registry.sight({ macs: [STRANGER], serial: 'A1' }, 'http')
  await fleet.registry.sight({ macs: [STRANGER], product: 'R6525' }, 'http')
  const shown = localFleet(
    fleet.registry,
    async () => undefined,
    async () => {},
  )
  expect(await shown.show('node1')).toMatchObject({
    conflicts: [{ name: STRANGER, id: STRANGER, by: 'serial', value: 'A1' }],
  })
  expect(await shown.show(STRANGER)).toMatchObject({
    conflicts: [{ name: 'node1', id: NODE1, by: 'serial', value: 'A1' }],
  })
  const told = (await fleet.registry.timeline(fleet.machine(STRANGER).id, 0, 99)).map(viewEvent).map(({ text }) => text)
  expect(told.filter(text => text.startsWith('held'))).toEqual([
    `held: it claims serial number A1 of ${NODE1}: one machine under two names, or two with one identity`,
  ])
  await fleet.restart(siteOf(machine('node1', [NODE1, STRANGER], 'serial = "A1"\n')))
  expect(
    await localFleet(
      fleet.registry,
      async () => undefined,
      async () => {},
    ).list(),
  ).not.toContainEqual(expect.objectContaining({ conflicts: expect.anything() as unknown }))
})

test('after a restart it is known, and told no second time', async () => {
  const fleet = await Fleet.open(siteOf(APPROVING))
  await fleet.registry.sight({ macs: [STRANGER], uuid: UUID }, 'http')
  await fleet.registry.sight({ macs: [THIRD], uuid: UUID }, 'dhcp')
  const rows = fleet.store.rows.length
  await fleet.restart()
  await fleet.registry.sight({ macs: [THIRD], uuid: UUID }, 'dhcp')
  expect([fleet.store.rows.length, stateOf(fleet, THIRD)]).toEqual([rows, 'held'])
})

test('it is an alarm until somebody approves the machine', async () => {
  const fleet = await Fleet.open(siteOf(machine('node1', [NODE1], 'serial = "A1"\n')))
  const alarms = new Alarms(fleet.clock)
  alarmOfConflicts(fleet.registry, alarms)
  await fleet.registry.sight({ macs: [STRANGER], serial: 'A1' }, 'http')
  fleet.clock.advance(24 * 3_600_000)
  alarms.sweep()
  expect(alarms.list().map(({ code, subject, severity, message }) => [code, subject, severity, message])).toEqual([
    [
      'identity-conflict',
      STRANGER,
      'alarm',
      `${STRANGER}: it claims serial number A1 of ${NODE1}: one machine under two names, or two with one identity`,
    ],
  ])
  await approved(fleet, STRANGER)
  expect(alarms.list().filter(({ endedAt }) => endedAt === undefined)).toEqual([])
})

test('who is shown with its conflicts is looked up, after a restart too, and who is forgotten claims nothing', async () => {
  const fleet = await Fleet.open(siteOf(machine('node1', [NODE1], 'serial = "A1"\n') + machine('node2', [NODE2])))
  for (const mac of [STRANGER, THIRD]) await fleet.registry.sight({ macs: [mac], serial: 'A1' }, 'http')
  await fleet.restart()
  const read = vi.spyOn(fleet.registry, 'machines')
  const claimants = (mac: Mac): string[] =>
    (machineViewer(fleet.registry)(fleet.machine(mac)).conflicts ?? []).map(({ id }) => id)
  expect([claimants(NODE1), claimants(STRANGER), claimants(NODE2)]).toEqual([[STRANGER, THIRD], [NODE1], []])
  expect(read).not.toHaveBeenCalled()
  await fleet.registry.forget(fleet.machine(STRANGER), 'anna')
  expect(claimants(NODE1)).toEqual([THIRD])
})
