/** One soak: the real appliance, a rack's day in so many minutes, and everything that was measured meanwhile. Inside the rack's namespace. */
import { join } from 'node:path'
import { systemClock } from '../../services/kit/clock.ts'
import { ipv4FromNumber, ipv4ToNumber, parsePrefix } from '../../services/kit/ipv4.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { SIMULATED_DEVICE } from '../../services/lab/network.ts'
import { type LabNetwork, NOT_LEASED, networkFor } from '../../services/lab/rack-plan.ts'
import { type Lab, openLab } from '../../services/lab/session.ts'
import { openDhcpWire } from '../../services/lab/simulated/dhcp-client.ts'
import { Chance } from '../fuzz/mutate.ts'
import { Crowd } from './crowd.ts'
import { Garbage } from './garbage.ts'
import type { GaugeReading } from './gauge.ts'
import { Ledger } from './ledger.ts'
import { type Counts, type LogSummary, Patient } from './patient.ts'
import { planActors } from './roles.ts'
import type { Sample } from './samples.ts'
import { type Watched, Watchers } from './watchers.ts'

export type Wish = { machines: number; minutes: number; seed: number }

export type Findings = {
  wish: Wish
  /** Seconds: until the whole rack was installed, and all in all. */
  took: { morning: number; all: number }
  counts: Crowd['counts']
  dhcp: { acks: number; naks: number }
  garbage: Record<string, number>
  watched: Watched
  /** In the order of time; those from `warmAt` on count as warm. */
  samples: Sample[]
  warmAt: number
  /** Before the first machine, when it was warm, and at the end, when nobody asks any more. `warm` has the event loop of the start, `end` that of the day. */
  gauge: { start: GaugeReading; warm: GaugeReading; end: GaugeReading }
  files: { start: number; end: number }
  appliance: Counts
  log: LogSummary
  /** What must not have happened. */
  wrong: string[]
}

const GAUGE = join(import.meta.dirname, 'gauge.ts')
/** A day of leases in minutes: installed systems renew after one. */
const LEASE_TIME = '2m'
const STALL_AFTER = '1m'
const SAMPLE_EVERY_MS = 5_000
const TELL_EVERY_SAMPLES = 2
/** Acts a second for each machine: a thousand of them do four things a second. */
const ACTS_PER_MACHINE = 0.004
const FEWEST_ACTS = 1
/** Of all the time; warm is what has done everything once. */
const WARM_PART = 0.4
/** Connections that nobody uses any more are closed by then. */
const QUIET_MS = 12_000
const MS_PER_MINUTE = 60_000

const pause = (ms: number): Promise<void> => new Promise(wake => setTimeout(wake, ms))

/** The first address of the range that is not leased. */
function spareAddress({ range }: LabNetwork) {
  const { network, length } = parsePrefix(range)!
  return ipv4FromNumber(ipv4ToNumber(network) + 2 ** (32 - length) - NOT_LEASED)
}

type Under = { lab: Lab; patient: Patient; wish: Wish; network: LabNetwork; tell: (line: string) => void }

/** Takes samples until it is stopped. */
function observe({ patient, tell }: Under, crowd: Crowd, samples: Sample[]): () => Promise<void> {
  let isOver = false
  const work = (async () => {
    while (!isOver) {
      const sample = await patient.sample()
      samples.push(sample)
      if (samples.length % TELL_EVERY_SAMPLES === 0) {
        const { lives, renewals } = crowd.counts
        const mib = (sample.rss / 1024 / 1024).toFixed(0)
        tell(
          `${(sample.at / MS_PER_MINUTE).toFixed(1)} min: ${crowd.installed} installed, ${crowd.busy} on their way, ${lives} lives, ${renewals} renewals, ${mib} MiB, ${sample.files} files, ${crowd.wrong.length} wrong`,
        )
      }
      for (let waited = 0; waited < SAMPLE_EVERY_MS && !isOver; waited += 100) await pause(100)
    }
  })()
  return async () => {
    isOver = true
    await work
  }
}

async function liveTheDay(crowd: Crowd, { wish: { machines } }: Under, until: number): Promise<void> {
  const everyMs = 1_000 / Math.max(FEWEST_ACTS, machines * ACTS_PER_MACHINE)
  while (Date.now() < until) {
    crowd.act()
    await pause(everyMs)
  }
}

async function soakInside(under: Under): Promise<Findings> {
  const { lab, patient, wish, network } = under
  const began = Date.now()
  const end = began + wish.minutes * MS_PER_MINUTE
  const ledger = new Ledger(() => systemClock.now())
  const port = await openDhcpWire(openUdpPort, SIMULATED_DEVICE)
  const chance = new Chance(wish.seed)
  const actors = planActors(wish.machines)
  const crowd = new Crowd({ actors, wire: ledger.watch(port), ledger, fleet: lab.fleet, chance, clock: systemClock })
  const start = await patient.readGauge()
  const filesAtStart = (await patient.sample()).files
  const watchers = new Watchers(lab.fleet, lab.siteFile, join(lab.folder, 'state/control.sock'))
  const samples: Sample[] = []
  const stopObserving = observe(under, crowd, samples)
  await crowd.strangers()
  const garbage = new Garbage(spareAddress(network))
  const renewing = crowd.renew()
  await crowd.morning()
  const morning = Date.now() - began
  await liveTheDay(crowd, under, began + wish.minutes * MS_PER_MINUTE * WARM_PART)
  const warm = await patient.readGauge()
  const warmAt = (await patient.sample()).at
  await liveTheDay(crowd, under, Math.max(end, Date.now() + (wish.minutes * MS_PER_MINUTE) / 4))
  await garbage.stop()
  await crowd.evening()
  await renewing
  await watchers.stopAsking()
  await pause(QUIET_MS)
  await Promise.all([crowd.compare(), watchers.compare()])
  await stopObserving()
  watchers.close()
  await pause(QUIET_MS)
  const [endGauge, last, appliance] = [await patient.readGauge(), await patient.sample(), await patient.counts()]
  await port.close()
  samples.push(last)
  return {
    wish,
    took: { morning: morning / 1000, all: (Date.now() - began) / 1000 },
    counts: crowd.counts,
    dhcp: { acks: ledger.acks, naks: ledger.naks },
    garbage: garbage.runs,
    watched: watchers.watched,
    samples,
    warmAt,
    gauge: { start, warm, end: endGauge },
    files: { start: filesAtStart, end: last.files },
    appliance,
    log: await patient.log(),
    wrong: [...crowd.wrong, ...ledger.givenTwice, ...watchers.wrong, ...garbage.wrong],
  }
}

/** @param folder for everything of this run; stays as it is */
export async function soak(wish: Wish, folder: string, tell: (line: string) => void): Promise<Findings> {
  const gaugeFile = join(folder, 'gauge.jsonl')
  const network = networkFor(wish.machines * 2)
  const machines = planActors(wish.machines).flatMap(({ role, machine }) => (role === 'stranger' ? [] : [machine]))
  const lab = await openLab({
    ...{ folder, kind: 'simulated', machines, network, leaseTime: LEASE_TIME, stallAfter: STALL_AFTER },
    nodeArgs: ['--expose-gc', '--import', GAUGE],
    env: { RACKRISE_SOAK_GAUGE: gaugeFile },
  })
  try {
    const findings = await soakInside({ lab, patient: new Patient(lab, gaugeFile), wish, network, tell })
    if (!lab.appliance.running) findings.wrong.push('the appliance ended')
    return findings
  } finally {
    await lab.close()
  }
}
