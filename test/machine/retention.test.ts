/** Old events go and no machine is any different: by its snapshot, and folded anew out of what stayed. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId, Fact, MachineEvent, MachineId } from '../../services/machine/event.ts'
import { FOLD_VERSION } from '../../services/machine/fold.ts'
import { advance, type Machine, newMachine } from '../../services/machine/lifecycle.ts'
import { type KeptEvent, thin } from '../../services/machine/thin.ts'
import { DAY_MS, KEEP_MS, retentionOf } from './retention-rig.ts'
import { Fleet, NODE1, NODE2, siteOf, STRANGER } from './rig.ts'

const MACS = [NODE1, NODE2, STRANGER]
const ADDRESSES = ['10.77.0.101', '10.77.0.102'] as Ipv4[]

/** What the latest attempt has to be put in for. */
type Draft = Fact | ((attempt: AttemptId) => Fact)

const address = fc.constantFrom(...ADDRESSES)
const facts: fc.Arbitrary<Draft> = fc.oneof(
  fc
    .record({
      serial: fc.constantFrom('S1', 'S2'),
      uuid: fc.constantFrom('U1', 'U2'),
      nic: fc.integer({ min: 1, max: 3 }),
    })
    .map(
      ({ serial, uuid, nic }): Draft => ({ type: 'sighted', macs: [`02:00:00:00:00:0${nic}` as Mac], serial, uuid }),
    ),
  fc.tuple(address, fc.constantFrom('firmware', 'ipxe', 'installer', 'system')).map(
    ([given, stage]): Draft => ({
      type: 'leased',
      address: given,
      stage: stage as 'firmware',
      ...(stage === 'firmware' ? { loader: 'snponly.efi' } : {}),
    }),
  ),
  fc.boolean().map(
    (again): Draft =>
      attempt => ({
        type: 'attempt-started',
        attempt: createHash('md5').update(attempt).digest('hex').slice(0, 8) as AttemptId,
        by: 'operator',
        again,
        profile: 'pve',
      }),
  ),
  address.map((given): Draft => ({ type: 'answer-refused', reason: 'not-approved', address: given })),
  fc.tuple(address, fc.boolean()).map(
    ([given, resumed]): Draft =>
      attempt => ({ type: 'script-served', attempt, address: given, resumed }),
  ),
  fc.tuple(address, fc.boolean(), fc.boolean()).map(
    ([given, isStatic, isRandom]): Draft =>
      attempt => ({
        ...{
          type: 'answer-served',
          attempt,
          address: given,
          layers: ['base'],
          sha256: 'a',
          leftOut: [],
          withToken: true,
        },
        ...(isStatic ? { staticOn: NODE1 } : {}),
        ...(isRandom ? { randomPassword: true as const } : {}),
      }),
  ),
  fc.constantFrom<Draft>(
    { type: 'loader-sent', file: 'snponly.efi', bytes: 1 },
    { type: 'blocked' },
    { type: 'restored', backupOf: 5 },
    { type: 'numbered', series: 'n{{index}}', index: 4 },
    { type: 'local-disk-told' },
    { type: 'boot-looped', stage: 'ipxe', boots: 6, seconds: 600 },
    { type: 'address-given-up', address: ADDRESSES[0]!, reason: 'asked' },
    attempt => ({ type: 'local-disk-told', attempt }),
    attempt => ({ type: 'initrd-sent', attempt, bytes: 9 }),
    attempt => ({ type: 'load-failed', attempt, part: 'kernel' }),
    attempt => ({ type: 'reported', attempt, installed: { fqdn: 'node1.example.org' } }),
    attempt => ({ type: 'installation-inferred', attempt, evidence: 'it went away' }),
    attempt => ({ type: 'gave-up', attempt, reason: 'why not' }),
    attempt => ({ type: 'stalled', attempt, silentSeconds: 9, stage: 'firmware' }),
    attempt => ({ type: 'password-shown', attempt, by: 'a person' }),
  ),
)

/** From the same boot to a season later. */
const pauseMs = fc.constantFrom(1000, 40_000, 15 * 60_000, DAY_MS, 20 * DAY_MS)

test('a clock that is set forward by a year takes nothing away for a day: somebody may set it right', async () => {
  const fleet = await Fleet.open()
  await fleet.happen(NODE1, { type: 'loader-sent', file: 'snponly.efi', bytes: 1 }, { type: 'blocked' })
  const { retention } = retentionOf(fleet)
  await retention.look()
  const before = fleet.store.rows.length
  fleet.clock.set(fleet.clock.now() + 365 * DAY_MS)
  fleet.clock.advance(DAY_MS - 1)
  await retention.look()
  expect(fleet.store.rows).toHaveLength(before)
  fleet.clock.set(fleet.clock.now() - 365 * DAY_MS)
  fleet.clock.advance(DAY_MS)
  await retention.look()
  expect(fleet.store.rows).toHaveLength(before)
})

describe('a machine is the same before and after', () => {
  const step = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('happen' as const),
        mac: fc.constantFrom(...MACS),
        fact: facts,
        wait: pauseMs,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('sweep' as const, 'restart' as const, 'checkpoint' as const) }),
    },
  )

  test('whatever happens, whenever it is swept and started again, by snapshot and folded anew', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async steps => {
        const fleet = await Fleet.open(siteOf(''))
        for (const mac of MACS) await fleet.registry.sight({ macs: [mac] }, 'dhcp')
        for (const one of steps) {
          const before = fleet.registry.machines()
          if (one.do === 'happen') {
            fleet.clock.advance(one.wait)
            const { id, attempt } = fleet.machine(one.mac)
            const fact = typeof one.fact === 'function' ? one.fact(attempt?.id ?? ('00000000' as AttemptId)) : one.fact
            await fleet.registry.record(id, fact, 'http')
            continue
          }
          if (one.do === 'sweep') await retentionOf(fleet).retention.sweep()
          if (one.do === 'checkpoint') await retentionOf(fleet).checkpoints.write()
          if (one.do === 'restart') await fleet.restart()
          expect(fleet.registry.machines()).toEqual(before)
        }
        fleet.clock.advance(KEEP_MS)
        await retentionOf(fleet).retention.sweep()
        const before = fleet.registry.machines()
        expect((await fleet.restart()).registry.machines()).toEqual(before)
        fleet.store.kept.checkpoint = undefined
        expect((await fleet.restart()).registry.machines()).toEqual(before)
      }),
      { numRuns: 30 },
    )
  }, 30_000)
})

test('a year of reboots leaves the first sight, the latest installation, and the season', async () => {
  const fleet = await Fleet.open(siteOf(''))
  await fleet.registry.sight({ macs: [NODE1] }, 'dhcp')
  const install = async (attempt: string) =>
    fleet.happen(
      NODE1,
      { type: 'attempt-started', attempt: attempt as AttemptId, by: 'operator', again: true, profile: 'pve' },
      id => ({ type: 'script-served', attempt: id, address: ADDRESSES[0]!, resumed: false }),
      id => ({
        ...{ type: 'answer-served', attempt: id, address: ADDRESSES[0]!, layers: ['base'], sha256: 'a', leftOut: [] },
        withToken: true,
      }),
      id => ({ type: 'reported', attempt: id, installed: {} }),
    )
  const reboots = async (days: number) => {
    for (let day = 0; day < days; day++) {
      fleet.clock.advance(DAY_MS)
      await fleet.happen(
        NODE1,
        { type: 'leased', address: ADDRESSES[0]!, stage: 'firmware', loader: 'snponly.efi' },
        { type: 'local-disk-told' },
      )
    }
  }
  await install('aaaaaaaa')
  await reboots(100)
  await install('bbbbbbbb')
  await reboots(200)
  const { attempt } = fleet.machine(NODE1)
  await retentionOf(fleet).retention.sweep()
  const types = () => fleet.store.typesOf(NODE1)
  const milestones = types().filter(type => type !== 'leased' && type !== 'local-disk-told')
  expect([milestones[0], ...milestones.slice(-4)]).toEqual([
    ...['sighted', 'attempt-started', 'script-served', 'answer-served', 'reported'],
  ])
  expect(fleet.machine(NODE1)).toMatchObject({ state: 'installed', attempts: 2, attempt })
  expect(fleet.log.of('info').at(-1)).toBe(`info no longer kept: ${609 - types().length} events`)
  // Ninety days of it, and what the end of each hundred needed; the next sweep looks at that again.
  expect(types().filter(type => type === 'leased').length).toBeLessThan(110)
  await retentionOf(fleet).retention.sweep()
  expect(types().filter(type => type === 'leased').length).toBeLessThan(100)
})

test('thinning finds what the state needs, however little of it there is, a trial at a time', () => {
  const events = Array.from({ length: 100 }, (_, at): KeptEvent => {
    const fact: Fact = at === 37 ? { type: 'numbered', series: 'n{{index}}', index: 4 } : { type: 'local-disk-told' }
    return { ...fact, at, source: 'http', seq: at + 1 }
  })
  const before = newMachine(NODE1 as MachineId, 0)
  const steps = thin(NODE1 as MachineId, before, events, () => true)
  let trials = 0
  let step = steps.next()
  for (; !step.done; step = steps.next()) trials += 1
  const gone = step.value?.gone
  expect(events.map(({ seq }) => seq).filter(seq => !gone?.includes(seq))).toEqual([38, 100])
  // Two events among a hundred are found by halving, and others have a turn between two trials.
  expect(trials).toBe(25)
})

test('what could not be written as a snapshot is written with the next checkpoint, and until then everything is folded', async () => {
  const fleet = await Fleet.open(siteOf(''))
  await fleet.registry.sight({ macs: [NODE1] }, 'dhcp')
  const { checkpoints } = retentionOf(fleet)
  fleet.store.broken = new Error('disk full')
  await expect(checkpoints.write()).rejects.toThrow('disk full')
  fleet.store.broken = undefined
  expect([fleet.store.kept.snapshots, fleet.store.kept.checkpoint]).toEqual([[], undefined])
  await checkpoints.write()
  expect(fleet.store.kept.snapshots.map(({ machine, seq }) => [machine, seq])).toEqual([[NODE1, 1]])
  expect(fleet.store.kept.checkpoint).toEqual({ seq: 1, version: FOLD_VERSION })
})

test('a snapshot has what is on stable storage, not what is on its way there', async () => {
  const fleet = await Fleet.open(siteOf(''))
  await fleet.registry.sight({ macs: [NODE1] }, 'dhcp')
  const { checkpoints } = retentionOf(fleet)
  const blocked = fleet.registry.record(NODE1 as MachineId, { type: 'blocked' }, 'operator')
  const writing = checkpoints.write()
  await Promise.all([blocked, writing])
  const states = () => fleet.store.kept.snapshots.map(({ seq, body }) => [seq, (JSON.parse(body) as Machine).state])
  expect(states()).toEqual([[1, 'held']])
  await checkpoints.write()
  expect(states()).toEqual([[2, 'blocked']])
})

test('snapshots of another version of the fold are not read', async () => {
  const fleet = await Fleet.open(siteOf(''))
  await fleet.registry.sight({ macs: [NODE1] }, 'dhcp')
  await retentionOf(fleet).checkpoints.write()
  fleet.store.kept.snapshots[0]!.body = '{"of": "another shape"}'
  fleet.store.kept.checkpoint!.version = FOLD_VERSION + 1
  const before = fleet.registry.machines()
  expect((await fleet.restart()).registry.machines()).toEqual(before)
})

/** Every type of event once or several times, in an order that fits. */
function history(): MachineEvent[] {
  const at = ADDRESSES[0]!
  const attempt = 'aaaaaaaa' as AttemptId
  const all: Fact[] = [
    { type: 'returned', name: 'node1', forgottenAt: 5, by: 'anna' },
    { type: 'sighted', macs: [NODE1, NODE2], uuid: 'U', serial: 'S', product: 'P', told: { 'dmi.bios.vendor': ['V'] } },
    { type: 'identity-conflicted', conflicts: [{ with: STRANGER as MachineId, by: 'uuid', value: 'U' }] },
    { type: 'numbered', series: 'n{{index}}', index: 4 },
    { type: 'attempt-started', attempt, by: 'operator', again: false, profile: 'pve', chosen: true },
    { type: 'leased', address: at, stage: 'firmware', loader: 'snponly.efi' },
    { type: 'leased', address: at, stage: 'ipxe' },
    { type: 'boot-looped', stage: 'ipxe', boots: 6, seconds: 600 },
    { type: 'script-served', attempt, address: at, resumed: false },
    { type: 'load-failed', attempt, part: 'kernel' },
    {
      ...{ type: 'answer-served', attempt, address: at, layers: [], sha256: '', leftOut: [], withToken: true },
      staticOn: NODE1,
      randomPassword: true,
    },
    { type: 'local-disk-told', attempt },
    { type: 'leased', address: at, stage: 'firmware', loader: 'snponly.efi' },
    { type: 'script-served', attempt, address: at, resumed: true },
    {
      ...{ type: 'answer-served', attempt, address: at, layers: [], sha256: '', leftOut: [], withToken: true },
      staticOn: NODE1,
      randomPassword: true,
    },
    { type: 'stalled', attempt, silentSeconds: 9, stage: 'firmware' },
    { type: 'reported', attempt, installed: { fqdn: 'f', hostKeys: ['k'] } },
    { type: 'password-shown', attempt, by: 'anna' },
    { type: 'repeated', words: 'w', times: 3, seconds: 60 },
    { type: 'blocked', reason: 'why' },
  ]
  return all.map((fact, index) => ({ ...fact, at: 1000 * (index + 1), source: 'http' }))
}

test('the fold makes the same machine as when its version was counted: another one needs another FOLD_VERSION', () => {
  const attempt = 'bbbbbbbb' as AttemptId
  const bySite: MachineEvent = {
    type: 'attempt-started',
    attempt,
    by: 'site',
    again: false,
    profile: 'pve',
    at: 1,
    source: 'site',
  }
  const steps = [history(), [bySite]].map(events =>
    events.reduce<Machine[]>(
      (machines, event) => [...machines, advance(machines.at(-1)!, event).machine],
      [newMachine(NODE1 as MachineId, 0)],
    ),
  )
  const sum = createHash('sha256').update(JSON.stringify(steps)).digest('hex').slice(0, 16)
  expect({ version: FOLD_VERSION, sum }).toEqual({ version: 2, sum: '4ba40e0db025708e' })
})
