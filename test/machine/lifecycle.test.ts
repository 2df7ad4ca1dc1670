import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { AttemptId, Fact, MachineEvent, MachineId } from '../../services/machine/event.ts'
import { advance, BACK_WITHIN_MS, type Machine, newMachine } from '../../services/machine/lifecycle.ts'
import { overdue } from '../../services/machine/overdue.ts'

const MAC = 'bc:24:11:ab:12:21' as MachineId
const A1 = 'a1a1a1a1' as AttemptId
const A2 = 'a2a2a2a2' as AttemptId
const ADDRESS = '10.77.0.11' as Ipv4
const MINUTE = 60_000

const approved: Fact = { type: 'attempt-started', attempt: A1, by: 'operator', again: false, profile: 'pve' }
const script: Fact = { type: 'script-served', attempt: A1, address: ADDRESS, resumed: false }
const resumed: Fact = { type: 'script-served', attempt: A1, address: ADDRESS, resumed: true }
const answer: Fact = {
  type: 'answer-served',
  attempt: A1,
  address: ADDRESS,
  layers: ['base'],
  sha256: 'ab',
  leftOut: [],
  withToken: true,
}
const report: Fact = { type: 'reported', attempt: A1, installed: { fqdn: 'node1.rack.test' } }
const told: Fact = { type: 'local-disk-told', attempt: A1 }
const loadFailed: Fact = { type: 'load-failed', attempt: A1, part: 'kernel', error: '0x420c6001' }
const firmware: Fact = { type: 'leased', address: ADDRESS, stage: 'firmware' }
const proxied: Fact = { type: 'boot-told', stage: 'firmware', loader: 'snponly.efi' }

/** Folds facts a second apart, beginning at 1000. */
function after(...facts: Fact[]): Machine {
  return facts.reduce(
    (machine, fact, index) => advance(machine, { ...fact, at: 1000 * (index + 1), source: 'http' }).machine,
    newMachine(MAC, 0),
  )
}

function anomalyOf(machine: Machine, fact: Fact): string | undefined {
  return advance(machine, { ...fact, at: 99_000, source: 'http' }).anomaly
}

describe('the way from power-on to installed', () => {
  test.each<[string, Fact[], Machine['state']]>([
    ['a machine that was only seen is held', [{ type: 'sighted', macs: [MAC] }], 'held'],
    ['an operator approves it', [approved], 'approved'],
    ['it fetches its script', [approved, script], 'booting'],
    ['it fetches its script twice, as firmware does', [approved, script, script], 'booting'],
    ['it is served its answer', [approved, script, answer], 'installing'],
    ['it is served its answer twice within the attempt', [approved, script, answer, answer], 'installing'],
    ['it reports', [approved, script, answer, report], 'installed'],
    ['it reports twice', [approved, script, answer, report, report], 'installed'],
    ['it is switched on again', [approved, script, answer, report, firmware, { type: 'local-disk-told' }], 'installed'],
    ['it comes back without having booted its disk', [approved, script, answer, told, firmware, resumed], 'booting'],
    ['and where another server gives its address', [approved, script, answer, told, proxied, resumed], 'booting'],
    ['its answer is broken', [approved, script, { type: 'answer-failed', attempt: A1, reason: 'no disk' }], 'failed'],
    [
      'it falls silent',
      [approved, script, { type: 'stalled', attempt: A1, silentSeconds: 1200, stage: 'ipxe' }],
      'stalled',
    ],
    [
      'it asks for its answer after the alarm',
      [approved, script, { type: 'stalled', attempt: A1, silentSeconds: 1200, stage: 'ipxe' }, answer],
      'installing',
    ],
    [
      'it reports after the alarm',
      [approved, script, answer, { type: 'stalled', attempt: A1, silentSeconds: 1200, stage: 'x' }, report],
      'installed',
    ],
    ['a person says never', [approved, { type: 'blocked' }], 'blocked'],
    [
      'a person wants another installation',
      [approved, script, answer, report, { ...approved, attempt: A2, again: true } as Fact],
      'approved',
    ],
  ])('%s', (_, facts, state) => {
    expect(after(...facts).state).toBe(state)
  })
})

describe('what changes nothing and is kept as an anomaly', () => {
  const installed = after(approved, script, answer, report)
  test.each<[string, Machine, Fact, string]>([
    ['a script for a machine that nobody approved', after(), script, 'attempt a1a1a1a1 is not the latest'],
    ['an answer to an installed machine', installed, answer, 'answer-served does not fit state installed'],
    ['a script for an installed machine', installed, script, 'script-served does not fit state installed'],
    [
      'approving an installed machine without saying so',
      installed,
      { ...approved, attempt: A2 } as Fact,
      'an installed machine needs `machine reinstall`',
    ],
    [
      'a second approval by the site file',
      installed,
      { ...approved, by: 'site', again: true } as Fact,
      'the site approves the first attempt only',
    ],
    [
      'a site approval of a blocked machine',
      after({ type: 'blocked' }),
      { ...approved, by: 'site' } as Fact,
      'the site approves a held machine only, not blocked',
    ],
    ['a report before the answer', after(approved, script), report, 'reported does not fit state booting'],
    [
      'a report of an older attempt',
      after(approved, { ...approved, attempt: A2 } as Fact),
      report,
      'attempt a1a1a1a1 is not the latest',
    ],
  ])('%s', (_, machine, fact, anomaly) => {
    expect(anomalyOf(machine, fact)).toBe(anomaly)
    expect(advance(machine, { ...fact, at: 99_000, source: 'http' }).machine).toEqual(machine)
  })
})

test('a loader that comes back without having loaded its parts is counted, within its attempt', () => {
  expect(after(approved, script, loadFailed, script, loadFailed).attempt?.loadFailures).toBe(2)
  expect(
    after(approved, script, loadFailed, { ...approved, attempt: A2 } as Fact).attempt?.loadFailures,
  ).toBeUndefined()
  expect(anomalyOf(after(approved), loadFailed)).toBe('load-failed does not fit state approved')
})

test('resumed installations are counted and forget what was told before', () => {
  const machine = after(approved, script, answer, told, firmware, resumed, answer, told, firmware, resumed)
  expect(machine.attempt).toEqual({
    id: A1,
    profile: 'pve',
    startedAt: 1000,
    resumes: 2,
    answeredAt: 7000,
    answeredTo: ADDRESS,
  })
})

describe('the address that an installed system has written down', () => {
  const fromDhcp: Fact = { ...answer, staticOn: MAC }
  const again: Fact = { ...approved, attempt: A2, again: true } as Fact
  const givenUp: Fact = { type: 'address-given-up', address: ADDRESS, reason: 'x' }
  test.each<[string, Fact[], string | undefined]>([
    ['is the one that its answer was asked from', [approved, script, fromDhcp], ADDRESS],
    ['is none where the answer names one itself', [approved, script, answer], undefined],
    ['stays after the report', [approved, script, fromDhcp, report], ADDRESS],
    [
      'stays when the installation fails',
      [approved, script, fromDhcp, { type: 'gave-up', attempt: A1, reason: 'x' }],
      ADDRESS,
    ],
    ['stays while another installation is under way', [approved, script, fromDhcp, report, again], ADDRESS],
    [
      'ends when the next answer is not from DHCP',
      [approved, script, fromDhcp, report, again, { ...answer, attempt: A2 } as Fact],
      undefined,
    ],
    ['ends when it is given up', [approved, script, fromDhcp, report, givenUp], undefined],
    ['is not begun by an answer that does not fit', [fromDhcp], undefined],
    ['stays when a machine is blocked', [approved, script, fromDhcp, report, { type: 'blocked' }], ADDRESS],
  ])('%s', (_, facts, address) => {
    expect(after(...facts).staticAddress?.address).toBe(address)
  })

  test('moves with the next answer from DHCP', () => {
    const moved = after(approved, script, fromDhcp, report, again, {
      ...fromDhcp,
      attempt: A2,
      address: '10.77.0.12',
    } as Fact)
    expect(moved.staticAddress).toEqual({ address: '10.77.0.12', nic: MAC, at: 6000 })
  })

  test('cannot be given up where it is another one', () => {
    expect(anomalyOf(after(approved, script, answer), givenUp)).toBe('10.77.0.11 is not its static address')
  })
})

describe('T16 after a restore from an older backup', () => {
  const restored: Fact = { type: 'restored', backupOf: Date.UTC(2026, 10, 26, 8) }
  const again: Fact = { ...approved, attempt: A2 } as Fact
  const stalled: Fact = { type: 'stalled', attempt: A1, silentSeconds: 1200, stage: 'x' }
  test.each<[string, Fact[], Machine['state']]>([
    ['a machine that was only seen is held', [restored], 'held'],
    ['an approved one is held', [approved, restored], 'held'],
    ['one that has its script is held', [approved, script, restored], 'held'],
    ['one that has its answer is held', [approved, script, answer, restored], 'held'],
    ['one that was told to boot its disk, and comes back, too', [approved, script, answer, told, restored], 'held'],
    ['one that stands still is held', [approved, script, stalled, restored], 'held'],
    ['an installed one boots its disk as ever', [approved, script, answer, report, restored], 'installed'],
    [
      'one that failed boots its disk as ever',
      [approved, { type: 'gave-up', attempt: A1, reason: 'x' }, restored],
      'failed',
    ],
    ['one that is blocked stays so', [approved, { type: 'blocked' }, restored], 'blocked'],
    ['its script is not for it any more', [approved, restored, script], 'held'],
    ['its answer is not for it any more', [approved, script, restored, answer], 'held'],
    ['its report counts, if it had its answer', [approved, script, answer, restored, report], 'installed'],
    ['a report without an answer does not', [approved, script, restored, report], 'held'],
    ['the site approves it no more', [restored, { ...approved, by: 'site' } as Fact], 'held'],
    ['a person does', [approved, restored, again], 'approved'],
    ['and it installs', [approved, restored, again, { ...script, attempt: A2 } as Fact], 'booting'],
  ])('%s', (_, facts, state) => {
    expect(after(...facts).state).toBe(state)
  })

  test('it says why, until a person approves it or its report comes', () => {
    const held = after(approved, script, answer, restored)
    expect([held.restored, held.reason]).toEqual([
      true,
      'restored from a backup of 2026-11-26T08:00:00.000Z, and what was installed since is not known here, so only a person approves it',
    ])
    for (const last of [again, report]) {
      const { restored: flag, reason } = after(approved, script, answer, restored, last)
      expect([flag, reason]).toEqual([undefined, undefined])
    }
    expect(after(approved, script, answer, report, restored)).toEqual({
      ...after(approved, script, answer, report),
      lastEventAt: 5000,
    })
  })

  test('the site is told why it may not', () => {
    expect(anomalyOf(after(restored), { ...approved, by: 'site' } as Fact)).toBe(
      'it was restored: only a person approves it',
    )
  })
})

test('one that stalled after its answer and is held for a conflict is installed by its report, however late', () => {
  const stalled: Fact = { type: 'stalled', attempt: A1, silentSeconds: 1200, stage: 'x' }
  const conflict: Fact = {
    type: 'identity-conflicted',
    conflicts: [{ with: '52:54:00:77:00:99' as MachineId, by: 'uuid', value: 'U' }],
  }
  const held = after(approved, script, answer, stalled, conflict)
  expect([held.state, after(approved, script, answer, stalled, conflict, answer).state]).toEqual(['held', 'held'])
  const { state, reason } = after(approved, script, answer, stalled, conflict, report)
  expect([state, reason]).toEqual(['installed', undefined])
  expect(after(approved, script, stalled, conflict, report).state).toBe('held')
})

test('a late report replaces what was inferred', () => {
  const inferred = after(approved, script, answer, told, {
    type: 'installation-inferred',
    attempt: A1,
    evidence: 'it did not come back',
  })
  expect(inferred.installed).toEqual({ at: 5000, inferred: true })
  expect(advance(inferred, { ...report, at: 9000, source: 'webhook' }).machine.installed).toEqual({
    fqdn: 'node1.rack.test',
    at: 9000,
    inferred: false,
  })
})

describe('what the clock says', () => {
  const stallAfter = 20 * MINUTE
  test.each<[string, Fact[], number, string | undefined]>([
    ['an approved machine may stay switched off for ever', [approved], 1000 * MINUTE, undefined],
    ['a booting machine has time', [approved, script], 19 * MINUTE, undefined],
    ['a booting machine that fell silent is stalled', [approved, script], 21 * MINUTE, 'stalled'],
    ['an installing machine that fell silent is stalled', [approved, script, answer], 21 * MINUTE, 'stalled'],
    ['told to boot its disk a minute ago', [approved, script, answer, told], MINUTE, undefined],
    [
      'told to boot its disk and not back',
      [approved, script, answer, told],
      4000 + BACK_WITHIN_MS + 1,
      'installation-inferred',
    ],
    ['an installed machine is silent for years', [approved, script, answer, report], 999_999 * MINUTE, undefined],
  ])('%s', (_, facts, now, type) => {
    expect(overdue(after(...facts), now, 0, stallAfter)?.type).toBe(type)
  })

  test('a download that goes on is a sign of life', () => {
    expect(overdue(after(approved, script), 30 * MINUTE, 29 * MINUTE, stallAfter)).toBeUndefined()
  })
})

const FACTS: Fact[] = [
  approved,
  { ...approved, attempt: A2 } as Fact,
  script,
  resumed,
  answer,
  report,
  told,
  firmware,
  { type: 'blocked' },
  { type: 'stalled', attempt: A1, silentSeconds: 1, stage: 'x' },
  { type: 'gave-up', attempt: A1, reason: 'x' },
  { type: 'boot-looped', stage: 'firmware', boots: 6, seconds: 60 },
  { ...answer, staticOn: MAC },
  { type: 'address-given-up', address: ADDRESS, reason: 'x' },
  { type: 'installation-inferred', attempt: A1, evidence: 'x' },
  { type: 'initrd-sent', attempt: A2, bytes: 1 },
  { type: 'restored', backupOf: 1 },
]

test('property: no order of events leads to an installation that nobody started', () => {
  const notStarted = FACTS.filter(fact => fact.type !== 'attempt-started')
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...notStarted), { maxLength: 30 }), facts => {
      expect(['held', 'blocked']).toContain(after(...facts).state)
    }),
  )
})

test('T16 property: after a restore nothing comes to a script or an answer until a person approves it', () => {
  const byNobody = FACTS.filter(fact => fact.type !== 'attempt-started')
  const bySite = [A1, A2].map(attempt => ({ ...approved, attempt, by: 'site' }) as Fact)
  const later = fc.constantFrom<Fact>(...byNobody, ...bySite)
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...FACTS), { maxLength: 20 }),
      fc.array(later, { maxLength: 20 }),
      (before, since) => {
        const facts: Fact[] = [...before, { type: 'restored', backupOf: 1 }]
        for (const fact of since) {
          facts.push(fact)
          expect(['held', 'installed', 'failed', 'blocked']).toContain(after(...facts).state)
        }
      },
    ),
  )
})

test('property: after a report only another attempt leads away from installed, or a person who blocks', () => {
  const others = FACTS.filter(fact => fact.type !== 'attempt-started' && fact.type !== 'blocked')
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...others), { maxLength: 30 }), facts => {
      expect(after(approved, script, answer, report, ...facts).state).toBe('installed')
    }),
  )
})

test('property: an event that does not fit leaves the machine as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...FACTS), { maxLength: 20 }), fc.constantFrom(...FACTS), (facts, fact) => {
      const machine = after(...facts)
      const event: MachineEvent = { ...fact, at: 1e6, source: 'http' }
      const step = advance(machine, event)
      if (step.anomaly) expect(step.machine).toBe(machine)
    }),
  )
})

test('where another server gives the addresses, the address of a machine is where it asked for its script', () => {
  expect(after(proxied).address).toBeUndefined()
  expect(after(proxied, approved, script)).toMatchObject({ address: ADDRESS, stage: 'firmware' })
  expect(after(approved, script, answer, told, proxied).attempt?.backAt).toBe(5000)
})
