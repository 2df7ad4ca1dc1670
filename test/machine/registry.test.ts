import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { AttemptId, Fact, MachineId } from '../../services/machine/event.ts'
import { hashToken, newAttemptId } from '../../services/machine/secrets.ts'
import { ANSWER, Fleet, LISTED, NODE1, NODE2, REPORT, SCRIPT, siteOf, STRANGER } from './rig.ts'

const ADDRESS = '10.77.0.11' as Ipv4
const APPROVED = LISTED.replace('profile', 'approve = true\nprofile')

async function approve(fleet: Fleet, mac = NODE1, again = false): Promise<AttemptId> {
  const attempt = await fleet.registry.startAttempt(fleet.machine(mac), { by: 'operator', again })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  return attempt
}

describe('what the site lists', () => {
  test('a listed machine is there before it was ever switched on', async () => {
    const fleet = await Fleet.open()
    expect(fleet.registry.machines().map(machine => [fleet.registry.titleOf(machine), machine.state])).toEqual([
      ['node1', 'held'],
    ])
    expect(fleet.store.typesOf(NODE1)).toEqual(['sighted'])
  })

  test('a restart adds no event', async () => {
    const fleet = await Fleet.open(siteOf(APPROVED))
    const before = fleet.store.rows.length
    await fleet.restart()
    expect(fleet.store.rows).toHaveLength(before)
  })

  test('approve = true starts one attempt, and not another one after a restart', async () => {
    const fleet = await Fleet.open(siteOf(APPROVED))
    expect(fleet.machine(NODE1).state).toBe('approved')
    await fleet.restart()
    expect(fleet.store.typesOf(NODE1).filter(type => type === 'attempt-started')).toHaveLength(1)
  })

  test.each<[string, (attempt: AttemptId) => Fact[], string]>([
    ['installed', attempt => [SCRIPT(attempt), ANSWER(attempt), REPORT(attempt)], 'installed'],
    ['failed', attempt => [SCRIPT(attempt), { type: 'gave-up', attempt, reason: 'no disk' }], 'failed'],
    ['blocked', () => [{ type: 'blocked' }], 'blocked'],
  ])('approve = true starts nothing once the machine is %s', async (_, facts, state) => {
    const fleet = await Fleet.open(siteOf(APPROVED))
    await fleet.happen(NODE1, ...facts(fleet.machine(NODE1).attempt!.id))
    await fleet.restart()
    await fleet.registry.sight({ macs: [NODE1], serial: 'NEW1' }, 'http')
    expect([fleet.machine(NODE1).state, fleet.machine(NODE1).attempts]).toEqual([state, 1])
  })

  test('approve = true that a person adds later holds for a machine that was only seen', async () => {
    const fleet = await Fleet.open()
    await fleet.restart(siteOf(APPROVED))
    expect(fleet.machine(NODE1).state).toBe('approved')
  })
})

describe('rules and their numbers', () => {
  const rule = (name = 'node{{index}}', more = ''): string =>
    `[[rule]]\nwhen = { "mac" = "bc:24:11:*" }\nprofile = "pve"\nname = "${name}"\n${more}`
  const names = (fleet: Fleet): string[] => fleet.registry.machines().map(machine => fleet.registry.titleOf(machine))

  test('machines are numbered in the order they come, and keep their numbers after a restart', async () => {
    const fleet = await Fleet.open(siteOf(rule()))
    await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    await fleet.registry.sight({ macs: [NODE1] }, 'dhcp')
    expect(names(fleet)).toEqual(['node1', 'node2'])
    await fleet.restart()
    await fleet.registry.sight({ macs: [NODE1], serial: 'A1' }, 'http')
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    expect(names(fleet)).toEqual(['node1', 'node2', 'node3'])
  })

  test('a name that the site gives to a listed machine is passed over', async () => {
    const fleet = await Fleet.open(siteOf(`${LISTED}${rule()}`))
    await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    expect(names(fleet)).toEqual(['node1', 'node2'])
    expect(fleet.machine(NODE2).number).toEqual({ series: 'node{{index}}', index: 2 })
  })

  test('a name that the site gives to a DNS record is passed over', async () => {
    const record = '[[dns.record]]\nname = "node1"\ntype = "A"\nvalue = "10.77.0.5"\n'
    const fleet = await Fleet.open(siteOf(`${record}${rule()}`))
    await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    expect(names(fleet)).toEqual(['node2'])
  })

  test('a rule that was written after the machine was seen gives it name and number at the next start', async () => {
    const fleet = await Fleet.open(siteOf(''))
    await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    await fleet.restart(siteOf(rule()))
    expect(names(fleet)).toEqual(['node1'])
  })

  test('a rule asks for the model, which the boot script learns', async () => {
    const fleet = await Fleet.open(
      siteOf('[[rule]]\nwhen = { "dmi.system.name" = "PowerEdge R65*" }\nprofile = "pve"\nname = "dell{{index}}"\n'),
    )
    await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    expect(names(fleet)).toEqual([NODE2])
    await fleet.registry.sight({ macs: [NODE2], product: 'PowerEdge R6525' }, 'http')
    expect(names(fleet)).toEqual(['dell1'])
  })

  test('a number whose name a reservation has is passed over', async () => {
    const reservation = '[[dhcp.reservation]]\naddress = "10.77.0.20"\nclient-id = "x"\nname = "node1"\n'
    const fleet = await Fleet.open(siteOf(`${reservation}${rule('node{{index}}')}`))
    await fleet.registry.sight({ macs: [NODE2] }, 'dhcp')
    expect(names(fleet)).toEqual(['node2'])
  })

  test('two questions of one machine at the same time start one attempt, without a complaint', async () => {
    const fleet = await Fleet.open(siteOf(rule('node{{index}}', 'approve = true\n')))
    await Promise.all([
      fleet.registry.sight({ macs: [NODE2] }, 'dhcp'),
      fleet.registry.sight({ macs: [NODE2], serial: 'S1' }, 'http'),
    ])
    expect([fleet.machine(NODE2).attempts, fleet.machine(NODE2).number?.index]).toEqual([1, 1])
    expect(fleet.log.of('warn')).toEqual([])
  })
})

test.each([
  ['hold', 'held', 0],
  ['ignore', 'held', 0],
  ['install', 'approved', 1],
])('boot.unknown = "%s": a machine that is not listed is %s', async (unknown, state, attempts) => {
  const fleet = await Fleet.open(siteOf(`${LISTED}[boot]\nunknown = "${unknown}"\n`))
  await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
  expect([fleet.machine(STRANGER).state, fleet.machine(STRANGER).attempts]).toEqual([state, attempts])
  expect(fleet.machine(NODE1).state).toBe('held')
})

test('boot.unknown = "install" with two profiles starts nothing and says why', async () => {
  const fleet = await Fleet.open(siteOf('[[profile]]\nname = "pbs"\niso = "pbs:latest"\n[boot]\nunknown = "install"\n'))
  await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
  expect(fleet.machine(STRANGER).state).toBe('held')
  expect(fleet.log.of('warn')).toEqual([
    'warn bc:24:11:ab:12:99 has no profile in the site file; choose one with --profile (defined: pve, pbs), or list the machine',
  ])
})

describe('after a restart', () => {
  test.each<[string, ((attempt: AttemptId) => Fact)[]]>([
    ['approved', []],
    ['booting', [SCRIPT]],
    ['installing', [SCRIPT, ANSWER]],
    ['installed', [SCRIPT, ANSWER, REPORT]],
    ['anomaly: a report before the answer', [SCRIPT, REPORT]],
  ])('the fleet is what it was: %s', async (_, facts) => {
    const fleet = await Fleet.open()
    const attempt = await approve(fleet)
    await fleet.happen(NODE1, { type: 'leased', address: ADDRESS, stage: 'ipxe' }, ...facts.map(fact => fact(attempt)))
    const before = fleet.registry.machines()
    await fleet.restart()
    expect(fleet.registry.machines()).toEqual(before)
  })

  test('a machine is found by the token it was given before, so that nobody is stranded', async () => {
    const fleet = await Fleet.open()
    const attempt = await approve(fleet)
    const token = fleet.registry.token(attempt, 'answer')
    await fleet.restart()
    expect(fleet.registry.byToken(token, 'answer')?.id).toBe(NODE1)
  })
})

describe('tokens', () => {
  test('one for each purpose, and each opens its own door only', async () => {
    const fleet = await Fleet.open()
    const attempt = await approve(fleet)
    const purposes = ['answer', 'webhook', 'first-boot', 'bearer'] as const
    const found = purposes.map(made =>
      purposes.map(asked => fleet.registry.byToken(fleet.registry.token(attempt, made), asked)?.id),
    )
    expect(found).toEqual(purposes.map(made => purposes.map(asked => (made === asked ? NODE1 : undefined))))
  })

  test('an attempt whose number another machine has takes the next one: their tokens would be the same', () => {
    const numbers = [Buffer.from('3f9c21aa', 'hex'), Buffer.from('00000001', 'hex')]
    const random = (octets: number): Buffer => numbers.shift()!.subarray(0, octets)
    expect(newAttemptId(attempt => attempt === '3f9c21aa', random)).toBe('00000001')
  })

  test('the token of an attempt that was followed by another one is nobody’s', async () => {
    const fleet = await Fleet.open()
    const old = fleet.registry.token(await approve(fleet), 'answer')
    const next = fleet.registry.token(await approve(fleet, NODE1, true), 'answer')
    expect([fleet.registry.byToken(old, 'answer'), fleet.registry.byToken(next, 'answer')?.id]).toEqual([
      undefined,
      NODE1,
    ])
  })

  test('neither a hash, nor nothing, nor a part of a token opens anything', async () => {
    const fleet = await Fleet.open()
    const token = fleet.registry.token(await approve(fleet), 'answer')
    expect(
      [hashToken(token), '', token.slice(1), `${token} `].map(guess => fleet.registry.byToken(guess, 'answer')),
    ).toEqual([undefined, undefined, undefined, undefined])
  })

  test('no token is in what is stored or logged', async () => {
    const fleet = await Fleet.open()
    const attempt = await approve(fleet)
    const text = JSON.stringify(fleet.store.rows) + fleet.log.lines.join()
    for (const purpose of ['answer', 'webhook', 'first-boot', 'bearer'] as const)
      expect(text).not.toContain(fleet.registry.token(attempt, purpose))
  })
})

describe('an attempt that cannot be started is a problem, with what to do', () => {
  test.each<[string, (attempt: AttemptId) => Fact[], string]>([
    [
      'installing: approving it again would erase what is being written',
      attempt => [SCRIPT(attempt), ANSWER(attempt)],
      'an installation is under way; `machine reinstall` starts another one',
    ],
    [
      'installed',
      attempt => [SCRIPT(attempt), ANSWER(attempt), REPORT(attempt)],
      'an installed machine needs `machine reinstall`',
    ],
  ])('%s', async (_, facts, message) => {
    const fleet = await Fleet.open()
    const attempt = await approve(fleet)
    await fleet.happen(NODE1, ...facts(attempt))
    const before = fleet.machine(NODE1)
    expect(await fleet.registry.startAttempt(before, { by: 'operator', again: false })).toEqual({
      code: 'not-approvable',
      message,
      hint: 'see `rackrise machine show` for its state',
      severity: 'error',
    })
    expect(fleet.machine(NODE1)).toBe(before)
  })

  test('a profile that does not exist', async () => {
    const fleet = await Fleet.open()
    const problem = await fleet.registry.startAttempt(fleet.machine(NODE1), {
      by: 'operator',
      again: false,
      profile: 'pvee',
    })
    expect(problem).toEqual({
      code: 'no-profile',
      message: 'there is no profile "pvee"',
      hint: 'choose one with --profile (defined: pve), or list the machine',
      severity: 'error',
    })
  })
})

test('an event goes to its listeners when it is durable, and not any more after they left', async () => {
  const fleet = await Fleet.open()
  const heard: string[] = []
  const leave = fleet.registry.subscribe((machine, event) => heard.push(`${machine.state} ${event.type} ${event.seq}`))
  await approve(fleet)
  leave()
  await fleet.happen(NODE1, { type: 'blocked' })
  expect(heard).toEqual(['approved attempt-started 2'])
})

test('progress: a download that begins anew has a rate of its own', async () => {
  const fleet = await Fleet.open()
  const id = NODE1 as unknown as MachineId
  fleet.registry.heard(id, { file: 'initrd', sent: 10, total: 100 })
  fleet.clock.advance(5000)
  fleet.registry.heard(id, { file: 'initrd', sent: 60, total: 100 })
  const { at, startedAt } = fleet.registry.progress(fleet.machine(NODE1))!
  expect(at - startedAt).toBe(5000)
  fleet.registry.heard(id, { file: 'initrd', sent: 5, total: 100 })
  expect(fleet.registry.progress(fleet.machine(NODE1))).toEqual({
    file: 'initrd',
    sent: 5,
    total: 100,
    from: 5,
    startedAt: at,
    at,
  })
})
