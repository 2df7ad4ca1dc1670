/** T20: a machine that was forgotten has left nothing behind but who wanted it, and comes back as a new one. */
import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import { Fleet, LISTED, NODE1, NODE2, siteOf, STRANGER } from './rig.ts'

const APPROVED = siteOf(LISTED.replace('profile = "pve"', 'profile = "pve"\napprove = true'))
const POOL = '10.77.0.150' as Ipv4

async function installed(fleet: Fleet, mac = NODE1): Promise<AttemptId> {
  const attempt = fleet.machine(mac).attempt!.id
  await fleet.happen(
    mac,
    { type: 'script-served', attempt, address: POOL, resumed: false },
    {
      ...{ type: 'answer-served', attempt, address: POOL, layers: ['base'], sha256: 'a', leftOut: [], withToken: true },
      ...{ staticOn: mac, randomPassword: true },
    },
    { type: 'reported', attempt, installed: {} },
  )
  return attempt
}

test('T20 its address, tokens, attempt, timeline and name are gone; one row says who forgot it when', async () => {
  const fleet = await Fleet.open(
    siteOf('[[rule]]\nwhen = { mac = "*" }\nname = "n{{index}}"\nprofile = "pve"\napprove = true\n'),
  )
  await fleet.registry.sight({ macs: [STRANGER, NODE2] }, 'dhcp')
  const attempt = await installed(fleet, STRANGER)
  const { registry, store } = fleet
  const token = registry.token(attempt, 'answer')
  expect([registry.byToken(token, 'answer')?.id, registry.byStaticAddress(POOL)?.id]).toEqual([STRANGER, STRANGER])
  await registry.forget(fleet.machine(STRANGER), 'anna')
  expect(registry.machines()).toEqual([])
  expect([
    registry.byMac(STRANGER),
    registry.byMac(NODE2),
    registry.byAttempt(attempt),
    registry.byToken(token, 'answer'),
    registry.byStaticAddress(POOL),
    [...registry.staticAddresses()],
    registry.find('n1'),
    store.rows,
  ]).toEqual([undefined, undefined, undefined, undefined, undefined, [], [], []])
  expect(store.kept.forgotten).toEqual([
    { machine: STRANGER, macs: `${STRANGER},${NODE2}`, name: 'n1', at: fleet.clock.now(), by: 'anna' },
  ])
  expect(fleet.log.of('warn')).toEqual(['warn anna had n1 forgotten'])
})

describe('T20 whoever is seen again is new, and held whatever the site says', () => {
  const returned = /held: anna had node1 forgotten at 2026-.*, so only a person approves it/

  test('a listed machine is there at once, as never seen', async () => {
    const fleet = await Fleet.open(APPROVED)
    await installed(fleet)
    await fleet.registry.forget(fleet.machine(NODE1), 'anna')
    expect(fleet.machine(NODE1)).toEqual({
      ...{ id: NODE1, macs: [NODE1], state: 'held', attempts: 0, returned: true },
      ...{ reason: expect.stringMatching(returned), firstSeenAt: fleet.clock.now(), lastEventAt: fleet.clock.now() },
    })
    expect(fleet.store.typesOf(NODE1)).toEqual(['returned', 'sighted'])
  })

  test('after a restart as well, and by its second NIC', async () => {
    const rule = '[[rule]]\nwhen = { mac = "*" }\nprofile = "pve"\napprove = true\n'
    const fleet = await Fleet.open(siteOf(rule))
    await fleet.registry.sight({ macs: [STRANGER, NODE2] }, 'dhcp')
    expect(fleet.machine(STRANGER).state).toBe('approved')
    await fleet.registry.forget(fleet.machine(STRANGER), 'anna')
    await fleet.restart()
    await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    expect(fleet.machine(NODE2)).toMatchObject({ id: NODE2, state: 'held', returned: true })
    await fleet.restart()
    expect(fleet.machine(NODE2)).toMatchObject({ id: NODE2, state: 'held', returned: true })
  })

  const ruled = siteOf('[[rule]]\nwhen = { mac = "*" }\nprofile = "pve"\napprove = true\n')
  const script = (attempt: AttemptId) => ({ type: 'script-served', attempt, address: POOL, resumed: false }) as const

  test('a box that boots by a new NIC is held as soon as it shows the one that was forgotten', async () => {
    const fleet = await Fleet.open(ruled)
    await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    await fleet.registry.forget(fleet.machine(NODE2), 'anna')
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    const attempt = fleet.machine(STRANGER).attempt!.id
    await fleet.happen(STRANGER, script(attempt))
    expect(fleet.machine(STRANGER).state).toBe('booting')
    // The installer posts all of its NICs, and asks for an answer.
    const known = await fleet.registry.sight({ macs: [STRANGER, NODE2] }, 'answer')
    expect(known).toMatchObject({ id: STRANGER, macs: [STRANGER, NODE2], state: 'held', returned: true })
    expect((await fleet.restart()).machine(STRANGER)).toMatchObject({ state: 'held', returned: true, attempts: 1 })
    const again = { by: 'site', again: false } as const
    expect(await fleet.registry.startAttempt(fleet.machine(STRANGER), again)).toMatchObject({ code: 'not-approvable' })
  })

  test('one that nobody has approved yet is held by it, too', async () => {
    const fleet = await Fleet.open(siteOf(''))
    await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    await fleet.registry.forget(fleet.machine(NODE2), 'anna')
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    await fleet.registry.sight({ macs: [STRANGER, NODE2] }, 'answer')
    expect((await fleet.restart(ruled)).machine(STRANGER)).toMatchObject({ state: 'held', returned: true, attempts: 0 })
  })

  test('one that a person approved goes on, and one whose answer is served', async () => {
    const fleet = await Fleet.open(siteOf(LISTED))
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    await fleet.registry.forget(fleet.machine(STRANGER), 'anna')
    await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
    expect((await fleet.registry.sight({ macs: [NODE1, STRANGER] }, 'answer')).state).toBe('approved')
    const other = await Fleet.open(APPROVED)
    await other.registry.sight({ macs: [STRANGER] }, 'dhcp')
    await other.registry.forget(other.machine(STRANGER), 'anna')
    const attempt = other.machine(NODE1).attempt!.id
    await other.happen(NODE1, script(attempt), {
      ...{ type: 'answer-served', attempt, address: POOL, layers: ['base'], sha256: 'a', leftOut: [], withToken: true },
    })
    expect((await other.registry.sight({ macs: [NODE1, STRANGER] }, 'answer')).state).toBe('installing')
  })

  test('a person approves it as any other', async () => {
    const fleet = await Fleet.open(APPROVED)
    await fleet.registry.forget(fleet.machine(NODE1), 'anna')
    await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
    const { state, returned: flag, reason } = fleet.machine(NODE1)
    expect([state, flag, reason]).toEqual(['approved', undefined, undefined])
  })

  test('a machine that was never forgotten is approved by the site as ever', async () => {
    const fleet = await Fleet.open(APPROVED)
    expect(fleet.machine(NODE1).state).toBe('approved')
  })
})

describe('while it is being forgotten', () => {
  test('what could not be written leaves everything as it was', async () => {
    const fleet = await Fleet.open(APPROVED)
    const before = fleet.registry.machines()
    fleet.store.broken = new Error('disk full')
    await expect(fleet.registry.forget(fleet.machine(NODE1), 'anna')).rejects.toThrow('disk full')
    fleet.store.broken = undefined
    expect(fleet.registry.machines()).toEqual(before)
    expect((await fleet.restart()).registry.machines()).toEqual(before)
  })

  test('an event that is on its way goes with it, and one that comes meanwhile makes no machine', async () => {
    const fleet = await Fleet.open(siteOf(''))
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    const machine = fleet.machine(STRANGER)
    const first = fleet.registry.record(machine.id, { type: 'blocked' }, 'operator')
    const forgotten = fleet.registry.forget(machine, 'anna')
    const late = fleet.registry.record(machine.id, { type: 'loader-sent', file: 'a', bytes: 1 }, 'tftp')
    await Promise.all([first, forgotten])
    expect((await late).anomaly).toBe('the machine is not known any more')
    expect([fleet.registry.machines(), fleet.store.rows]).toEqual([[], []])
  })

  test('seen meanwhile it is a new one', async () => {
    const fleet = await Fleet.open(siteOf(''))
    await fleet.registry.sight({ macs: [STRANGER], serial: 'S1' }, 'dhcp')
    const [, seen] = await Promise.all([
      fleet.registry.forget(fleet.machine(STRANGER), 'anna'),
      fleet.registry.sight({ macs: [STRANGER] }, 'dhcp'),
    ])
    expect([seen.serial, seen.returned, fleet.store.typesOf(STRANGER)]).toEqual([
      undefined,
      true,
      ['returned', 'sighted'],
    ])
  })

  test('who approves it from an old list is told', async () => {
    const fleet = await Fleet.open(siteOf(''))
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    const machine = fleet.machine(STRANGER)
    await fleet.registry.forget(machine, 'anna')
    expect(await fleet.registry.startAttempt(machine, { by: 'operator', again: false })).toMatchObject({
      code: 'unknown-machine',
    })
    expect(fleet.registry.machines()).toEqual([])
  })

  test('there is room for another stranger, and who listens hears of it', async () => {
    const fleet = await Fleet.open(siteOf(''))
    const heard: string[] = []
    fleet.registry.partings.after(({ id }) => heard.push(id))
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    await fleet.registry.forget(fleet.machine(STRANGER), 'anna')
    expect(heard).toEqual([STRANGER])
  })
})
