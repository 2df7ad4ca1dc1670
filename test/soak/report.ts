/** What a soak comes to: lines for a person, and what was violated. Pure. */
import type { Findings } from './day.ts'
import type { Lag } from './gauge.ts'
import { growthPerHour, MIB, middleOf } from './samples.ts'

/**
 * Of the heap as a collection leaves it, from when everything was done once until the end. What the appliance keeps in memory for each machine it keeps by then; what grows further
 * is a leak.
 */
const HEAP_GROWTH_MOST = 24 * MIB
/** Of the process, which keeps what its allocators gave back: medians of the first and the last fifth of the warm time. */
const RSS_GROWTH_MOST = 64 * MIB
/** What the loop's own thread worked in one turn, of 99 of 100 looks: a wait that firmware notices is a hundred times as long. How late it was says more about what else ran on the machine. */
const HELD_P99_MOST_MS = 25
/** Open files at the end beyond those at the start: what a pool of connections or of threads may keep. */
const FILES_MORE_MOST = 16
const WRONG_TOLD_MOST = 20
const PART = 5

export type Verdict = { what: string; holds: boolean; detail: string }

const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`
const ms = (value: number): string => `${value.toFixed(1)} ms`
const lag = ({ p50, p99, max }: Lag): string => `${ms(p50)} (half), ${ms(p99)} (99 of 100), ${ms(max)} at most`

/** Octets from the first fifth to the last one, and in an hour by the line through all of it. */
export function memoryGrowth({ samples, warmAt }: Pick<Findings, 'samples' | 'warmAt'>) {
  const warm = samples.filter(({ at }) => at >= warmAt)
  const part = Math.max(1, Math.floor(warm.length / PART))
  const level = (some: typeof warm): number => middleOf(some.map(({ rss }) => rss))
  return {
    warm: level(warm.slice(0, part)),
    end: level(warm.slice(-part)),
    perHour: growthPerHour(warm.map(({ at, rss }) => ({ at, value: rss }))),
  }
}

export function verdictsOf(findings: Findings): Verdict[] {
  const { gauge, files, log, wrong } = findings
  const memory = memoryGrowth(findings)
  const heap = gauge.end.heapUsed - gauge.warm.heapUsed
  return [
    {
      what: 'the heap does not grow',
      holds: heap <= HEAP_GROWTH_MOST,
      detail: `${mib(heap)} since it was warm, at most ${mib(HEAP_GROWTH_MOST)}`,
    },
    {
      what: 'the process does not grow',
      holds: memory.end - memory.warm <= RSS_GROWTH_MOST,
      detail: `${mib(memory.end - memory.warm)} since it was warm, at most ${mib(RSS_GROWTH_MOST)}`,
    },
    {
      what: 'the event loop is free',
      holds: gauge.end.held.p99 <= HELD_P99_MOST_MS,
      detail: `99 of 100 turns held it for ${ms(gauge.end.held.p99)} at most, may be ${HELD_P99_MOST_MS} ms`,
    },
    {
      what: 'files are closed',
      holds: files.end - files.start <= FILES_MORE_MOST,
      detail: `${files.start} at the start, ${files.end} at the end`,
    },
    {
      what: 'nothing unexpected is in the log',
      holds: log.unexpectedCount === 0,
      detail: log.unexpected.join(' | ') || `${log.lines} lines`,
    },
    {
      what: 'every machine became what it should',
      holds: wrong.length === 0,
      detail: wrong.length === 0 ? `${findings.counts.lives} lives` : `${wrong.length} times not`,
    },
  ]
}

function most(counts: Record<string, number>, count: number): string {
  const sorted = Object.entries(counts).toSorted(([, a], [, b]) => b - a)
  return (
    sorted
      .slice(0, count)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ') || 'none'
  )
}

export function reportLines(findings: Findings): string[] {
  const { wish, took, counts, dhcp, gauge, samples, files, watched, appliance, log, wrong, garbage } = findings
  const memory = memoryGrowth(findings)
  const { totals } = appliance
  const listed = watched.listMs.toSorted((a, b) => a - b)
  return [
    `${wish.machines} machines, ${(took.all / 60).toFixed(1)} minutes; the rack was up after ${took.morning.toFixed(0)} s`,
    `lives      ${counts.lives}: ${counts.installed} installations, ${counts.bootedDisk} boots from disk, ${counts.held} held, ${counts.cut} cut; ${counts.approved} approved, ${counts.reinstalled} reinstalls ordered`,
    `leases     ${dhcp.acks} ACKs, ${dhcp.naks} NAKs, ${counts.renewals} renewals (${counts.renewalsMissed} missed)`,
    `packets    DHCP ${totals['dhcp_received'] ?? 0} heard and ${totals['dhcp_sent'] ?? 0} sent, DNS ${totals['dns_decisions'] ?? 0}, TFTP ${totals['tftp_requests'] ?? 0}, HTTP ${totals['http_decisions'] ?? 0}; store ${totals['store_writes'] ?? 0} writes`,
    `garbage    ${most(garbage, 10)}`,
    `memory     RSS ${mib(gauge.start.rss)} at the start, ${mib(memory.warm)} warm, ${mib(memory.end)} at the end; ${mib(memory.perHour)} an hour`,
    `heap       ${mib(gauge.start.heapUsed)} at the start, ${mib(gauge.warm.heapUsed)} warm, ${mib(gauge.end.heapUsed)} at the end, each after a collection`,
    `event loop held for ${lag(gauge.end.held)}; until it was warm ${lag(gauge.warm.held)}`,
    `           late by ${lag(gauge.end.late)}; until it was warm ${lag(gauge.warm.late)}`,
    `files      ${files.start} at the start, ${Math.max(...samples.map(sample => sample.files))} at most, ${files.end} at the end`,
    `database   ${mib(samples.at(-1)!.database)}`,
    `watched    ${watched.events} events by the stream (${watched.resets} resets), ${watched.lists} lists (half within ${ms(listed[listed.length >> 1] ?? 0)}, the longest ${ms(listed.at(-1) ?? 0)}), ${watched.commands} times \`machine list\``,
    `refusals   ${most(appliance.reasons, 30)}`,
    `warnings   ${most(log.warnings, 20)}`,
    '',
    ...verdictsOf(findings).map(({ what, holds, detail }) => `${holds ? 'holds' : 'BROKEN'}: ${what} (${detail})`),
    ...wrong.slice(0, WRONG_TOLD_MOST).map(line => `  ${line}`),
  ]
}
