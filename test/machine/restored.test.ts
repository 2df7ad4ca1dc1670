/** T16: a state that came back from an older backup installs nothing that nobody has approved since. */
import { describe, expect, test } from 'vitest'
import { alarmOfRestore } from '../../services/machine/restored-alarm.ts'
import { scriptPlan } from '../../services/boot/plan.ts'
import { explainPlan } from '../../services/console/explain-machine.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import { listingOf } from '../../services/machine/listing.ts'
import { holdingBack, wouldInstall } from '../../services/machine/restored.ts'
import { retentionOf } from './retention-rig.ts'
import { ANSWER, Fleet, LISTED, NODE1, NODE2, SCRIPT, siteOf, STRANGER } from './rig.ts'

const APPROVED = siteOf(LISTED.replace('profile = "pve"', 'profile = "pve"\napprove = true'))
const RULE = siteOf('[[rule]]\nwhen = { mac = "*" }\nprofile = "pve"\napprove = true\n')
const BACKUP = Date.UTC(2026, 10, 26, 8)
const WHY =
  'restored from a backup of 2026-11-26T08:00:00.000Z, and what was installed since is not known here, so only a person approves it'

/** As `rackrise restore` leaves it, with the site of before or another one. */
async function restored(fleet: Fleet, site = fleet.site): Promise<Fleet> {
  const restoration = { at: fleet.clock.now(), backupOf: BACKUP }
  for (const row of holdingBack(fleet.registry.machines(), restoration)) await fleet.store.append(row)
  fleet.store.kept.restoration = restoration
  return fleet.restart(site)
}

const approve = (fleet: Fleet, mac: Mac, by: 'operator' | 'site' = 'operator') =>
  fleet.registry.startAttempt(fleet.machine(mac), { by, again: false })

const boots = (fleet: Fleet, mac: Mac) => scriptPlan(fleet.machine(mac), fleet.clock.now(), false)

async function install(fleet: Fleet, mac: Mac): Promise<void> {
  await fleet.happen(mac, SCRIPT, ANSWER, ((attempt: AttemptId) => ({
    type: 'reported',
    attempt,
    installed: {},
  })) as never)
}

describe('T16 what the restored state knows', () => {
  test('an approval of before is none: it boots its disk, says why, and its tokens open nothing', async () => {
    const fleet = await Fleet.open(APPROVED)
    const { id } = fleet.machine(NODE1).attempt!
    await restored(fleet)
    expect(fleet.machine(NODE1)).toMatchObject({ state: 'held', reason: WHY, restored: true })
    expect(boots(fleet, NODE1)).toEqual({ do: 'local-disk', because: 'held' })
    const events = await fleet.happen(NODE1, SCRIPT(id), ANSWER(id))
    expect(events.map(({ anomaly }) => anomaly)).toEqual([
      'script-served does not fit state held',
      'answer-served does not fit state held',
    ])
    expect(fleet.store.rows.find(({ type }) => type === 'restored')).toMatchObject({
      source: 'operator',
      body: `{"type":"restored","backupOf":${BACKUP},"attempt":"${id}"}`,
    })
  })

  test('one that was seen and not approved yet is not approved by the site either', async () => {
    const fleet = await Fleet.open(siteOf())
    await restored(fleet, APPROVED)
    expect(fleet.machine(NODE1)).toMatchObject({ state: 'held', attempts: 0, reason: WHY })
    expect(await approve(fleet, NODE1, 'site')).toMatchObject({ message: 'it was restored: only a person approves it' })
  })

  test('an installed one boots its disk, and no event tells of it', async () => {
    const fleet = await Fleet.open(APPROVED)
    await install(fleet, NODE1)
    const before = fleet.machine(NODE1)
    await restored(fleet)
    expect(fleet.machine(NODE1)).toEqual(before)
    expect(boots(fleet, NODE1)).toEqual({ do: 'local-disk', because: 'installed' })
  })

  test('a person approves it as any other, and that holds after another start', async () => {
    const fleet = await restored(await Fleet.open(APPROVED))
    await approve(fleet, NODE1)
    await fleet.restart()
    expect(fleet.machine(NODE1)).toMatchObject({ state: 'approved', attempts: 2 })
    expect(fleet.machine(NODE1).reason).toBeUndefined()
    expect(boots(fleet, NODE1)).toMatchObject({ do: 'install', profile: 'pve' })
  })
})

describe('T16 what it has never seen', () => {
  test('is held although a rule, or its entry, approves it, also after another start', async () => {
    const fleet = await restored(await Fleet.open(siteOf('')), RULE)
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    expect(fleet.machine(STRANGER)).toMatchObject({ state: 'held', attempts: 0, reason: WHY })
    await fleet.restart(APPROVED)
    expect(fleet.machine(NODE1)).toMatchObject({ state: 'held', attempts: 0, reason: WHY })
    expect(fleet.store.typesOf(NODE1)).toEqual(['restored', 'sighted'])
    await fleet.restart(RULE)
    expect([fleet.machine(STRANGER).state, fleet.machine(NODE1).state]).toEqual(['held', 'held'])
  })

  test('is held though `boot.unknown` would install it', async () => {
    const lab = siteOf('[boot]\nunknown = "install"\n')
    const fleet = await restored(await Fleet.open(siteOf('')), lab)
    expect((await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')).state).toBe('held')
  })

  test('is approved by a person; forgotten after that, it is held as forgotten', async () => {
    const fleet = await restored(await Fleet.open(siteOf('')), RULE)
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    await approve(fleet, STRANGER)
    expect(boots(fleet, STRANGER)).toMatchObject({ do: 'install' })
    await fleet.registry.forget(fleet.machine(STRANGER), 'anna')
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    expect(fleet.machine(STRANGER)).toMatchObject({ state: 'held', returned: true })
  })

  test('is shown so before it is seen, and no reload would start it', async () => {
    const { registry, clock } = await restored(await Fleet.open(siteOf('')), RULE)
    const unseen = registry.newcomers.seenFirst(STRANGER, clock.now())
    expect(unseen).toMatchObject({ state: 'held', restored: true, reason: WHY })
    expect(registry.isHeldBack(unseen, RULE)).toBe(true)
    expect(explainPlan(unseen, listingOf(unseen, RULE), RULE, clock.now())).toEqual({ boots: 'disk', why: WHY })
  })
})

test('a state that was not restored is what it was', async () => {
  const fleet = await Fleet.open(APPROVED)
  await fleet.restart(RULE)
  await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
  expect([fleet.machine(NODE1).state, fleet.machine(STRANGER).state]).toEqual(['approved', 'approved'])
})

test('T16 snapshots, and timelines that were thinned, come to the same machines as all events', async () => {
  const fleet = await restored(await Fleet.open(APPROVED))
  await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
  const { checkpoints, retention } = retentionOf(fleet)
  const before = fleet.registry.machines()
  await checkpoints.write()
  expect((await fleet.restart()).registry.machines()).toEqual(before)
  fleet.clock.advance(400 * 24 * 3_600_000)
  await fleet.happen(NODE1, { type: 'loader-sent', file: 'a', bytes: 1 })
  const held = fleet.registry.machines()
  await retention.sweep()
  fleet.store.kept.checkpoint = undefined
  expect((await fleet.restart()).registry.machines()).toEqual(held)
  expect(held.map(({ state }) => state)).toEqual(['held', 'held'])
})

test('who would have installed is named: in an attempt, approved by the site, or listed so and never seen', async () => {
  const fleet = await Fleet.open(APPROVED)
  expect(wouldInstall(fleet.registry.machines(), APPROVED)).toEqual(['node1'])
  expect(wouldInstall([], APPROVED)).toEqual(['node1'])
  expect(wouldInstall([], siteOf())).toEqual([])
  await install(fleet, NODE1)
  expect(wouldInstall(fleet.registry.machines(), APPROVED)).toEqual([])
})

test('it is one alarm, and a line of the log at the start, until none of them waits', async () => {
  const fleet = await Fleet.open(APPROVED)
  await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
  await restored(fleet)
  const alarms = new Alarms(fleet.clock)
  alarmOfRestore(fleet.registry, alarms, fleet.log)
  const lasting = () =>
    alarms
      .list()
      .filter(({ endedAt }) => endedAt === undefined)
      .map(({ code, message }) => [code, message])
  expect(lasting()).toEqual([['restored-held', 'held since the state was restored from a backup: node1']])
  expect(fleet.log.of('warn').at(-1)).toBe(
    'warn held since the state was restored from a backup: node1; look at what is on their disks, then `rackrise machine approve NAME` for each, or block it',
  )
  await approve(fleet, NODE1)
  expect(lasting()).toEqual([])
})
