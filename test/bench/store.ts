/**
 * Years of state: how long a start takes with ten thousand machines and a million events, and how long DHCP waits while old events go, snapshots are written and
 * the console reads. The appliance is compared with itself, at peace and in a hurry, within one run.
 */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { remoteFleet } from '../../services/console/remote-fleet.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { GaugeReading } from '../soak/gauge.ts'
import { applianceIn } from './appliance.ts'
import { CLIENT_ADDRESS, PREFIX, type BenchNetwork, type Running } from './network.ts'
import { percentileOf } from './numbers.ts'
import { type Exchanges, perfdhcp } from './perfdhcp.ts'
import { type Contender, withContender, withNetwork } from './rounds.ts'
import { readFleet } from '../../services/store/read-state.ts'
import { EVENTS_EACH, fillState, macOf, MACHINES } from './store-state.ts'
import type { Check, Choices, Measure, Report, Suite } from './suite.ts'

const SERVER = join(import.meta.dirname, 'store-server.ts')
const GAUGE = join(import.meta.dirname, '../soak/gauge.ts')
const GAUGE_FILE = 'gauge.jsonl'
/** The state as it was filled, and as the first start leaves it: with a snapshot of each machine. */
const FOLDED = 'as-filled'
const SNAPSHOT = 'with-snapshots'

const DHCP = `[dhcp]
lease-time = "1h"
probe = false
[[dhcp.subnet]]
prefix = "${PREFIX}"
pools = ["10.89.0.0-10.90.255.255"]
relays = ["${CLIENT_ADDRESS}"]
[[profile]]
name = "pve"
iso = "pve:latest"
answers = ["base"]`

/** Exchanges a second: a rack that is switched on. */
const RATE = 200
const GAUGE_LIMIT_MS = 20_000
const SNAPSHOTS_LIMIT_MS = 60_000
/** Of the waits of a minute and more: the sweep of what is old begins five seconds after the start. */
const SHORTER = 120
const SWEEP_BEGINS_MS = 7_000
/** Readers of the console at one time: each has the whole list, then some timelines, and begins again. */
const READERS = 2
const TIMELINES = 20

const pause = (ms: number): Promise<void> => new Promise(wake => setTimeout(wake, ms))

type Way = { name: string; sweeps: boolean; reads: boolean }
const WAYS: readonly Way[] = [
  { name: 'at peace', sweeps: false, reads: false },
  { name: 'console reads', sweeps: false, reads: true },
  { name: 'old events go', sweeps: true, reads: false },
  { name: 'both', sweeps: true, reads: true },
]

/** @param state whose state it starts with; none if absent */
function applianceWith(name: string, network: BenchNetwork, state: string | undefined, sweeps: boolean): Contender {
  return {
    name,
    async prepare(folder) {
      const { command, ...rest } = applianceIn(folder, DHCP)
      if (state) cpSync(join(network.folder, state), join(folder, 'state'), { recursive: true })
      const program = [SERVER, command.at(-1)!, sweeps ? `${SHORTER}` : '1']
      return {
        ...rest,
        command: [command[0]!, '--expose-gc', '--import', GAUGE, ...program],
        environment: { RACKRISE_SOAK_GAUGE: join(folder, GAUGE_FILE) },
      }
    },
  }
}

function readingsIn(folder: string): GaugeReading[] {
  try {
    const lines = readFileSync(join(folder, GAUGE_FILE), 'utf8').split('\n')
    return lines.filter(line => line.endsWith('}')).map(line => JSON.parse(line) as GaugeReading)
  } catch {
    return []
  }
}

async function readGauge(running: Running, folder: string): Promise<GaugeReading> {
  const before = readingsIn(folder).length
  process.kill(running.pid, 'SIGUSR2')
  for (const end = Date.now() + GAUGE_LIMIT_MS; Date.now() < end; await pause(20)) {
    const reading = readingsIn(folder)[before]
    if (reading) return reading
  }
  throw new Error('the appliance did not read its gauge')
}

type Read = { lists: number; timelines: number; shortLists: number; listMs: number[] }

/** Reads until it is stopped. */
function readConsole(folder: string): () => Promise<Read> {
  const fleet = remoteFleet({ path: join(folder, 'state/control.sock'), user: 'bench' })
  const read: Read = { lists: 0, timelines: 0, shortLists: 0, listMs: [] }
  let isOver = false
  const reader = async (first: number): Promise<void> => {
    for (let turn = first; !isOver; turn++) {
      const began = performance.now()
      const views = await fleet.list()
      read.listMs.push(performance.now() - began)
      read.lists += 1
      if (views.length < MACHINES) read.shortLists += 1
      for (let nth = 0; nth < TIMELINES && !isOver; nth++) {
        const timeline = await fleet.timeline(macOf((turn * 997 + nth * 101) % MACHINES), 0)
        if (!isProblem(timeline)) read.timelines += 1
      }
    }
  }
  const work = Promise.all(Array.from({ length: READERS }, (_, index) => reader(index)))
  return async () => {
    isOver = true
    await work
    return read
  }
}

type Waited = { exchanges: Exchanges; gauge: GaugeReading; read: Read | undefined; removed: boolean }

async function measureWay(network: BenchNetwork, way: Way, seconds: number): Promise<Waited> {
  return withContender(network, applianceWith(way.name, network, SNAPSHOT, way.sweeps), async (running, folder) => {
    if (way.sweeps) await pause(SWEEP_BEGINS_MS)
    await perfdhcp(network, { rate: RATE, seconds: 2 })
    await readGauge(running, folder)
    const stop = way.reads ? readConsole(folder) : undefined
    const exchanges = await perfdhcp(network, { rate: RATE, seconds, timers: true })
    const read = await stop?.()
    const gauge = await readGauge(running, folder)
    // What it had removed is told when it is stopped, or done.
    await running.stop()
    return { exchanges, gauge, read, removed: /no longer kept: \d+ events/.test(running.output) }
  })
}

/** Milliseconds until it serves; with `keep` the state that it leaves, once every machine has a snapshot. */
async function measureStart(network: BenchNetwork, name: string, state?: string, keep?: string): Promise<number> {
  const began = performance.now()
  return withContender(network, applianceWith(name, network, state, false), async (running, folder) => {
    const took = performance.now() - began
    if (!keep) return took
    const isWhole = (): boolean => readFleet(join(folder, 'state'), ({ checkpoint }) => checkpoint !== undefined)
    for (const end = Date.now() + SNAPSHOTS_LIMIT_MS; Date.now() < end && !isWhole(); ) await pause(500)
    if (!isWhole()) throw new Error('the appliance wrote no checkpoint')
    await running.stop()
    cpSync(join(folder, 'state'), join(network.folder, keep), { recursive: true })
    return took
  })
}

type Starts = Record<'nothing' | 'snapshots' | 'events', number[]>

async function measureStarts(network: BenchNetwork, rounds: number, choices: Choices): Promise<Starts> {
  choices.tell(`filling a state: ${MACHINES} machines, ${MACHINES * EVENTS_EACH} events`)
  await fillState(join(network.folder, FOLDED), Date.now())
  const starts: Starts = { nothing: [], snapshots: [], events: [] }
  for (let round = 1; round <= rounds; round++) {
    choices.tell(`round ${round} of ${rounds}: starts`)
    starts.nothing.push(await measureStart(network, 'nothing kept'))
    starts.events.push(await measureStart(network, 'every event', FOLDED, round === 1 ? SNAPSHOT : undefined))
    starts.snapshots.push(await measureStart(network, 'snapshots', SNAPSHOT))
  }
  return starts
}

function measuresOf(starts: Starts, waited: ReadonlyMap<string, Waited[]>): Measure[] {
  const rows = (value: (one: Waited) => number): Measure['rows'] =>
    [...waited].map(([contender, all]) => ({ contender, values: all.map(value) }))
  const wait = (percent: number, of: 'offerMs' | 'ackMs', what: string): Measure => ({
    title: `wait for ${what} at ${RATE} exchanges/s, ${percent} of 100 are quicker`,
    ...{ unit: 'ms', better: 'less' },
    rows: rows(({ exchanges }) => percentileOf(exchanges[of], percent)),
  })
  return [
    {
      title: `from the command until it serves, with ${MACHINES} machines and ${MACHINES * EVENTS_EACH} events`,
      ...{ unit: 'ms', better: 'less' },
      rows: [
        { contender: 'snapshots', values: starts.snapshots },
        { contender: 'every event', values: starts.events },
        { contender: 'nothing kept', values: starts.nothing },
      ],
    },
    ...[50, 99, 100].map(percent => wait(percent, 'ackMs', 'an ACK, which is a lease on the disk,')),
    wait(99, 'offerMs', 'an OFFER'),
    {
      title: 'the event loop held by its own work, 99 of 100 turns are shorter',
      ...{ unit: 'ms', better: 'less' },
      rows: rows(({ gauge }) => gauge.held.p99),
    },
    {
      title: 'the longest turn of the event loop, by its own work',
      ...{ unit: 'ms', better: 'less' },
      rows: rows(({ gauge }) => gauge.held.max),
    },
  ]
}

function checksOf(waited: ReadonlyMap<string, Waited[]>): Check[] {
  const all = [...waited].flatMap(([name, runs]) => runs.map(one => ({ name, ...one })))
  const reads = all.flatMap(({ read }) => read ?? [])
  const lists = reads.reduce((sum, { lists: count }) => sum + count, 0)
  const longest = Math.max(...reads.flatMap(({ listMs }) => listMs))
  return [
    {
      what: 'no address was leased to two machines',
      holds: all.every(({ exchanges }) => exchanges.leasedTwice === 0 && exchanges.complete > 0),
      detail: `${all.reduce((sum, { exchanges }) => sum + exchanges.complete, 0)} leases`,
    },
    {
      what: 'every list had all machines',
      holds: lists > 0 && reads.every(({ shortLists }) => shortLists === 0),
      detail: `${lists} lists, the longest ${longest.toFixed(0)} ms; ${reads.reduce((sum, { timelines }) => sum + timelines, 0)} timelines`,
    },
    {
      what: 'old events went meanwhile',
      holds: all.every(({ name, removed }) => removed === WAYS.find(way => way.name === name)!.sweeps),
      detail: '',
    },
  ]
}

async function run(choices: Choices): Promise<Report> {
  const rounds = choices.quick ? 1 : 3
  return withNetwork(async network => {
    const starts = await measureStarts(network, rounds, choices)
    const waited = new Map(WAYS.map(({ name }) => [name, [] as Waited[]]))
    for (let round = 1; round <= rounds; round++)
      for (const way of WAYS) {
        choices.tell(`round ${round} of ${rounds}: ${way.name}`)
        waited.get(way.name)!.push(await measureWay(network, way, choices.quick ? 8 : 15))
      }
    return { measures: measuresOf(starts, waited), checks: checksOf(waited) }
  })
}

export const storeSuite: Suite = {
  name: 'store',
  summary: 'starts with years of state, and DHCP while old events go and the console reads; about six minutes',
  needs: [{ file: '/usr/sbin/perfdhcp', package: 'kea-admin' }],
  run,
}
