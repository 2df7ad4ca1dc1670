import { expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { OPTION, type Reply } from '../../services/lab/simulated/dhcp-message.ts'
import type { Findings } from './day.ts'
import type { GaugeReading } from './gauge.ts'
import { Ledger } from './ledger.ts'
import { memoryGrowth, reportLines, verdictsOf } from './report.ts'
import { mayInstall, planActors } from './roles.ts'
import { growthPerHour, MIB } from './samples.ts'

const HOUR = 3_600_000
const quiet = { p50: 0, p99: 1, max: 5 }
const gauge = (heapUsed: number, p99 = 1): GaugeReading => ({
  ...{ late: quiet, held: { ...quiet, p99 } },
  ...{ heapUsed, external: 0, rss: heapUsed },
})

/** A day on which everything went well. */
const GOOD: Findings = {
  wish: { machines: 20, minutes: 60, seed: 1 },
  took: { morning: 60, all: 3600 },
  counts: {
    ...{ lives: 40, installed: 20, bootedDisk: 18, held: 2, cut: 0 },
    ...{ approved: 7, reinstalled: 2, renewals: 9, renewalsMissed: 0 },
  },
  dhcp: { acks: 100, naks: 0 },
  garbage: { flood: 1 },
  watched: { events: 10, resets: 0, lists: 2, commands: 1, listMs: [3, 1] },
  samples: Array.from({ length: 61 }, (_, minute) => ({
    at: minute * 60_000,
    rss: 300 * MIB,
    files: 50,
    database: MIB,
  })),
  warmAt: 20 * 60_000,
  gauge: { start: gauge(40 * MIB), warm: gauge(50 * MIB), end: gauge(51 * MIB) },
  files: { start: 46, end: 50 },
  appliance: { totals: { dhcp_received: 200 }, reasons: { 'dhcp_decisions malformed': 3 } },
  log: { lines: 100, warnings: { superseded: 2 }, unexpected: [], unexpectedCount: 0 },
  wrong: [],
}

const broken = (change: Partial<Findings>): string[] =>
  verdictsOf({ ...GOOD, ...change })
    .filter(({ holds }) => !holds)
    .map(({ what }) => what)

test.each<[string, Partial<Findings>, string[]]>([
  ['all is well', {}, []],
  ['a heap that grows', { gauge: { ...GOOD.gauge, end: gauge(80 * MIB) } }, ['the heap does not grow']],
  [
    'a process that grows',
    { samples: GOOD.samples.map(sample => ({ ...sample, rss: (300 + sample.at / 20_000) * MIB })) },
    ['the process does not grow'],
  ],
  [
    'growth before it was warm',
    { samples: GOOD.samples.map(sample => ({ ...sample, rss: Math.min(300, 100 + sample.at / 5_000) * MIB })) },
    [],
  ],
  ['a loop that is held', { gauge: { ...GOOD.gauge, end: gauge(51 * MIB, 60) } }, ['the event loop is free']],
  ['files that stay open', { files: { start: 46, end: 90 } }, ['files are closed']],
  [
    'an error in the log',
    { log: { ...GOOD.log, unexpected: ['{}'], unexpectedCount: 1 } },
    ['nothing unexpected is in the log'],
  ],
  [
    'a machine that was lost',
    { wrong: ['node1 (listed) should have been installed'] },
    ['every machine became what it should'],
  ],
])('%s', (_, change, expected) => {
  expect(broken(change)).toEqual(expected)
})

test('what is wrong stands below the verdicts', () => {
  expect(reportLines({ ...GOOD, wrong: ['node1 was lost'] }).at(-1)).toBe('  node1 was lost')
  expect(reportLines(GOOD).filter(line => line.startsWith('BROKEN'))).toEqual([])
})

test('growth is that of the line through all of it, and of nothing none', () => {
  const line = [0, 1, 2, 3].map(hours => ({ at: hours * HOUR, value: 7 + hours * 5 + (hours % 2) }))
  expect(growthPerHour(line)).toBeCloseTo(5.2)
  expect([growthPerHour([]), growthPerHour(line.slice(0, 1))]).toEqual([0, 0])
  expect(memoryGrowth(GOOD)).toEqual({ warm: 300 * MIB, end: 300 * MIB, perHour: 0 })
})

function ack(address: string, seconds: number): Reply {
  const lease = Buffer.alloc(4)
  lease.writeUInt32BE(seconds)
  return {
    ...{
      xid: 1,
      type: 'ack' as const,
      yiaddr: address as Ipv4,
      siaddr: '0.0.0.0' as Ipv4,
      file: '',
      chaddr: new Uint8Array(6),
    },
    options: new Map([
      [OPTION.leaseTime, lease],
      [OPTION.serverId, Uint8Array.of(10, 77, 0, 1)],
    ]),
  }
}

test('an address is given twice where its first lease is not over, and only then', () => {
  let now = 0
  const ledger = new Ledger(() => now)
  const [one, other] = ['02:00:00:00:00:01', '02:00:00:00:00:02'] as Mac[]
  ledger.hear(one!, ack('10.77.1.1', 60))
  ledger.hear(one!, ack('10.77.1.1', 60))
  now = 60_001
  ledger.hear(other!, ack('10.77.1.1', 60))
  expect(ledger.givenTwice).toEqual([])
  ledger.hear(one!, ack('10.77.1.1', 60))
  expect(ledger.givenTwice).toEqual(['10.77.1.1 was given to 02:00:00:00:00:01 while 02:00:00:00:00:02 had it'])
  expect(ledger.holding(one!)).toMatchObject({ lease: { address: '10.77.1.1', server: '10.77.0.1' }, until: 120_001 })
})

test('of twenty machines two may never be installed, one of them not even listed', () => {
  const roles = planActors(20).map(({ role }) => role)
  expect(roles.filter(role => !mayInstall(role)).toSorted()).toEqual(['held', 'stranger'])
  expect(planActors(40).filter(({ role, machine }) => machine.approve !== (role === 'listed'))).toEqual([])
})
