import { describe, expect, test } from 'vitest'
import { localFleet } from '../../services/console/fleet.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Problem } from '../../services/kit/problem.ts'
import type { AttemptId, Fact } from '../../services/machine/event.ts'
import { ANSWER, Fleet, LISTED, NODE1, NODE2, REPORT, SCRIPT, siteOf, STRANGER } from '../machine/rig.ts'
import type { Action, MachineView } from '../../services/console/schema/machine.ts'

const ADDRESS = '10.77.0.11' as Ipv4
const MORE = `[[profile]]\nname = "pbs"\niso = "pbs:latest"\n${LISTED}[[machine]]\nname = "node10"\nmac = ["${NODE2}"]\nprofile = "pve"\n`

async function open() {
  const rig = await Fleet.open(siteOf(MORE))
  return {
    rig,
    fleet: localFleet(
      rig.registry,
      async () => undefined,
      async () => {},
    ),
  }
}

async function facts(rig: Fleet, ...made: ((attempt: AttemptId) => Fact)[]): Promise<void> {
  await rig.happen(NODE1, ...made.map(fact => fact(rig.machine(NODE1).attempt!.id)))
}

const wordOf = (outcome: MachineView | Problem): string =>
  isProblem(outcome) ? outcome.code : `${outcome.state} ${outcome.profile}`

describe('orders', () => {
  test.each<[string, ((attempt: AttemptId) => Fact)[] | undefined, Action, object, string, number]>([
    ['approve a held machine', undefined, 'approve', {}, 'approved pve', 1],
    ['approve it again: the same word', [], 'approve', {}, 'approved pve', 1],
    ['approve it again with the same profile', [], 'approve', { profile: 'pve' }, 'approved pve', 1],
    ['approve it again with another profile: another word', [], 'approve', { profile: 'pbs' }, 'approved pbs', 2],
    ['approve it while it boots', [SCRIPT], 'approve', {}, 'booting pve', 1],
    ['approve it while it installs', [SCRIPT, ANSWER], 'approve', {}, 'not-approvable', 1],
    ['approve it when it is installed', [SCRIPT, ANSWER, REPORT], 'approve', {}, 'not-approvable', 1],
    ['reinstall it when it is installed', [SCRIPT, ANSWER, REPORT], 'reinstall', {}, 'approved pve', 2],
    ['reinstall it while it installs', [SCRIPT, ANSWER], 'reinstall', {}, 'approved pve', 2],
    [
      'approve it after a failure',
      [SCRIPT, attempt => ({ type: 'gave-up', attempt, reason: 'no disk' })],
      'approve',
      {},
      'approved pve',
      2,
    ],
    ['approve it after a block', [() => ({ type: 'blocked' })], 'approve', {}, 'approved pve', 2],
    ['approve it with a profile that does not exist', undefined, 'approve', { profile: 'pmg' }, 'no-profile', 0],
    ['block it', [SCRIPT], 'block', {}, 'blocked pve', 1],
  ])('%s', async (_, made, action, order, word, attempts) => {
    const { rig, fleet } = await open()
    if (made) {
      await fleet.order('node1', 'approve', {}, 'anna')
      await facts(rig, ...made)
    }
    expect(wordOf(await fleet.order('node1', action, order, 'anna'))).toBe(word)
    expect(rig.machine(NODE1).attempts).toBe(attempts)
  })

  test('the reason of a person is on the timeline, and the reason of a block beside the state', async () => {
    const { fleet } = await open()
    await fleet.order('node1', 'approve', { reason: 'new disks' }, 'anna')
    expect(await fleet.order('node1', 'block', { reason: 'broken fan' }, 'anna')).toMatchObject({
      state: 'blocked',
      reason: 'broken fan',
    })
    const timeline = await fleet.timeline('node1', 0)
    expect(
      isProblem(timeline) || timeline.map(({ source, text }) => `${source}: ${text.replace(/[0-9a-f]{8}/, 'A')}`),
    ).toEqual([
      `site: seen as ${NODE1}`,
      'operator: approved by anna: attempt A (new disks)',
      'operator: blocked by anna: broken fan',
    ])
  })
})

describe('who is meant', () => {
  test.each([
    ['nod1', 'no machine "nod1" (did you mean "node1"?)'],
    ['Node-10', 'no machine "Node-10" (did you mean "node10"?)'],
    // A neighbour in the rack is no slip of the finger: its disks would be erased.
    ['node11', 'no machine "node11"'],
    ['node', 'no machine "node"'],
    ['', 'no machine ""'],
  ])('a slip in a name: %j', async (query, message) => {
    const { fleet } = await open()
    expect(await fleet.show(query)).toMatchObject({ code: 'unknown-machine', message })
  })

  test('nobody: a problem, with where to look', async () => {
    const { fleet } = await open()
    const problem = {
      code: 'unknown-machine',
      message: 'no machine "node7"',
      hint: 'see `rackrise machine list`; a machine is known once it was listed or asked for an address',
      severity: 'error',
    }
    expect([
      await fleet.show('node7'),
      await fleet.timeline('node7', 0),
      await fleet.order('node7', 'approve', {}, 'anna'),
    ]).toEqual([problem, problem, problem])
  })

  test('two: a question back, never a guess', async () => {
    const { rig, fleet } = await open()
    for (const mac of [NODE2, STRANGER]) await rig.registry.sight({ macs: [mac], serial: 'SAME' }, 'http')
    expect(await fleet.order('SAME', 'block', {}, 'anna')).toEqual({
      code: 'ambiguous-machine',
      message: `"SAME" is 2 machines: ${NODE2}, ${STRANGER}`,
      hint: 'name it by its MAC address',
      severity: 'error',
    })
    expect([rig.machine(NODE2).state, rig.machine(STRANGER).state]).toEqual(['held', 'held'])
  })
})

describe('what is shown', () => {
  test('machines in the order people count', async () => {
    const { rig, fleet } = await open()
    await rig.registry.sight({ macs: [STRANGER] }, 'dhcp')
    expect((await fleet.list()).map(({ name }) => name)).toEqual([STRANGER, 'node1', 'node10'])
  })

  test('a machine that was never on', async () => {
    const { fleet } = await open()
    const at = '2026-01-01T00:00:00.000Z'
    expect(await fleet.show('node1')).toEqual({
      id: NODE1,
      name: 'node1',
      fqdn: 'node1.rack.test',
      macs: [NODE1],
      state: 'held',
      profile: 'pve',
      listed: 'machine',
      attempts: 0,
      firstSeenAt: at,
      heardAt: at,
    })
  })

  test('a machine that loads its ISO', async () => {
    const { rig, fleet } = await open()
    await fleet.order('node1', 'approve', {}, 'anna')
    await facts(rig, () => ({ type: 'leased', address: ADDRESS, stage: 'ipxe' }), SCRIPT)
    const { id, attempt } = rig.machine(NODE1)
    rig.registry.heard(id, { file: 'initrd', sent: 0, total: 4000 })
    rig.clock.advance(2000)
    rig.registry.heard(id, { file: 'initrd', sent: 1000, total: 4000 })
    expect(await fleet.show('node1')).toMatchObject({
      state: 'booting',
      stage: 'ipxe',
      address: ADDRESS,
      attempt: { id: attempt!.id, startedAt: '2026-01-01T00:00:00.000Z', resumes: 0 },
      progress: { file: 'initrd', sent: 1000, total: 4000, bytesPerSecond: 500 },
      heardAt: '2026-01-01T00:00:04.000Z',
    })
  })

  test('a machine that is installed', async () => {
    const { rig, fleet } = await open()
    await fleet.order('node1', 'approve', {}, 'anna')
    await facts(rig, SCRIPT, ANSWER, REPORT)
    expect(await fleet.show('node1')).toMatchObject({
      state: 'installed',
      installed: { at: '2026-01-01T00:00:03.000Z', inferred: false, fqdn: 'node1.rack.test' },
    })
  })

  test('what changed nothing is marked, and a timeline goes on where it was left', async () => {
    const { rig, fleet } = await open()
    await fleet.order('node1', 'approve', {}, 'anna')
    await facts(rig, REPORT)
    const timeline = await fleet.timeline('node1', 3)
    expect(timeline).toEqual([
      {
        seq: 4,
        at: '2026-01-01T00:00:01.000Z',
        source: 'http',
        type: 'reported',
        text: 'installed: node1.rack.test',
        anomaly: 'reported does not fit state approved',
        attempt: rig.machine(NODE1).attempt!.id,
      },
    ])
  })

  test('no secret of an attempt is in anything that is shown', async () => {
    const { rig, fleet } = await open()
    await fleet.order('node1', 'approve', {}, 'anna')
    await facts(rig, SCRIPT, ANSWER)
    const text = JSON.stringify([await fleet.list(), await fleet.show('node1'), await fleet.timeline('node1', 0)])
    for (const purpose of ['answer', 'webhook', 'first-boot', 'bearer'] as const)
      expect(text).not.toContain(rig.registry.token(rig.machine(NODE1).attempt!.id, purpose))
  })
})

test('what is shown of a machine says which address its system has written down, and why it is given nothing to boot', async () => {
  const { rig, fleet } = await open()
  await fleet.order('node1', 'approve', {}, 'anna')
  await facts(rig, SCRIPT, attempt => ({ ...ANSWER(attempt), staticOn: NODE1 }) as Fact, REPORT)
  await rig.happen(NODE1, { type: 'boot-looped', stage: 'ipxe', boots: 6, seconds: 600 })
  expect(await fleet.show('node1')).toMatchObject({
    state: 'installed',
    staticAddress: { address: ADDRESS, nic: NODE1, since: new Date(rig.clock.now() - 2000).toISOString() },
    reason:
      'iPXE was given its script 6 times in 10 min and the script never fetched: it gets nothing more to boot until it fetches it or is approved',
  })
})

test.each(['approve', 'block'] as const)(
  'a machine that is forgotten while somebody has it in hand: %s is told so, alone and among many',
  async action => {
    const { rig, fleet } = await open()
    const { registry } = rig
    const record = registry.record.bind(registry)
    registry.record = async (id, fact, source) => {
      const event = await record(id, fact, source)
      if (fact.type === 'attempt-started' || fact.type === 'blocked')
        await registry.forget(rig.machine(STRANGER), 'anna')
      return event
    }
    await registry.sight({ macs: [STRANGER] }, 'dhcp')
    expect(wordOf(await fleet.order(STRANGER, action, { profile: 'pve' }, 'ben'))).toBe('unknown-machine')
    await registry.sight({ macs: [STRANGER] }, 'dhcp')
    expect(await fleet.orderAll([STRANGER], action, { profile: 'pve' }, 'ben')).toMatchObject([
      { machine: STRANGER, ok: false, problem: { code: 'unknown-machine' } },
    ])
  },
)

test('T16 one machine under two of its names is ordered once', async () => {
  const { rig, fleet } = await open()
  const outcomes = await fleet.orderAll(['node1', NODE1, 'NODE1.rack.test'], 'reinstall', {}, 'ben')
  expect(outcomes.map(({ machine, ok }) => [machine, ok])).toEqual([
    ['node1', true],
    [NODE1, true],
    ['NODE1.rack.test', true],
  ])
  expect(rig.machine(NODE1).attempts).toBe(1)
})
