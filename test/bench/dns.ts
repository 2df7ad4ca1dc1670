/** DNS: how many questions a second one core answers, beside dnsmasq and unbound with the same zone and the same upstream resolver. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ABROAD,
  CLIENT_CORE,
  dnsmasq,
  type Entry,
  INSTALLER,
  MACHINES,
  rackrise,
  startUpstream,
  unbound,
  WRITTEN,
} from './dns-contenders.ts'
import { type BenchNetwork, type Running, SERVER_ADDRESS } from './network.ts'
import { alternate, withContender, withNetwork } from './rounds.ts'
import type { Check, Choices, Measure, Report, Suite } from './suite.ts'

const CONTENDERS = [rackrise, dnsmasq, unbound]
/** Sockets of the generator, and questions it has under way: enough that the server is never idle, too few to overflow its socket. */
const SOCKETS = 8
const UNDER_WAY = 200
const LIMIT_MS = 60_000
const LOST_PERCENT_MOST = 0.1

type Subject = { title: string; entries: readonly Entry[]; goals?: Measure['goals']; note?: string }

const FASTER_THAN_DNSMASQ = [{ contender: dnsmasq.name, ratio: 1 }]

const SUBJECTS: readonly Subject[] = [
  { title: 'A of the own zone', entries: ofType('A'), goals: FASTER_THAN_DNSMASQ },
  { title: 'TXT of the own zone', entries: ofType('TXT'), goals: FASTER_THAN_DNSMASQ },
  {
    title: 'A of machines',
    entries: MACHINES,
    goals: FASTER_THAN_DNSMASQ,
    note: 'rackrise looks each time whether the machine still has its address; the others have it in their files',
  },
  {
    title: 'A that upstream gave, from the cache',
    entries: ABROAD,
  },
  {
    title: "TXT of the installer's name",
    entries: [INSTALLER],
    note: 'rackrise makes each of these replies anew for the client that asks; the others say the same to everybody',
  },
]

function ofType(type: Entry['type']): Entry[] {
  return WRITTEN.filter(entry => entry.type === type)
}

/** What one run showed, and what the first name of it was told. */
type Run = Load & { said: string; processorMicroseconds: number }
type Load = { rate: number; sent: number; completed: number; lost: number; refused: number }

function numberAfter(label: string, text: string): number {
  const found = new RegExp(`${label}:\\s+([0-9.]+)`).exec(text)
  if (!found) throw new Error(`dnsperf says nothing about "${label}": ${text.slice(0, 400)}`)
  return Number(found[1])
}

/** Answers that were not NOERROR. */
function refusedIn(text: string, completed: number): number {
  const codes = /Response codes:\s+(.*)/.exec(text)?.[1] ?? ''
  return completed - Number(/NOERROR (\d+)/.exec(codes)?.[1] ?? 0)
}

async function dnsperf(network: BenchNetwork, file: string, seconds: number): Promise<Load> {
  const load = ['-c', `${SOCKETS}`, '-T', '1', '-q', `${UNDER_WAY}`, '-l', `${seconds}`]
  const command = ['taskset', '-c', CLIENT_CORE, 'dnsperf', '-s', SERVER_ADDRESS, '-d', file, ...load]
  const { stdout, stderr } = await network.run('client', command, LIMIT_MS)
  if (!stdout.includes('Statistics:')) throw new Error(`dnsperf failed: ${stderr || stdout}`)
  const completed = numberAfter('Queries completed', stdout)
  return {
    rate: numberAfter('Queries per second', stdout),
    sent: numberAfter('Queries sent', stdout),
    completed,
    lost: numberAfter('Queries lost', stdout),
    refused: refusedIn(stdout, completed),
  }
}

async function dig(network: BenchNetwork, { name, type }: Entry): Promise<string> {
  const { stdout } = await network.run('client', ['dig', `@${SERVER_ADDRESS}`, '+short', name, type], LIMIT_MS)
  return stdout.trim().replaceAll('"', '')
}

type Place = { network: BenchNetwork; running: Running; seconds: number }

async function runOnce({ network, running, seconds }: Place, { entries }: Subject): Promise<Run> {
  const file = join(network.folder, 'questions')
  writeFileSync(file, entries.map(({ name, type }) => `${name} ${type}\n`).join(''))
  // Once round for everybody: what is kept is there, what is compiled while it runs is compiled.
  await dnsperf(network, file, 1)
  const said = await dig(network, entries[0]!)
  const before = running.processorSeconds
  const load = await dnsperf(network, file, seconds)
  return { ...load, said, processorMicroseconds: ((running.processorSeconds - before) / load.completed) * 1e6 }
}

type Results = { subject: Subject; contender: string; runs: Run[] }

async function measure(network: BenchNetwork, choices: Choices): Promise<Results[]> {
  const { rounds, seconds } = choices.quick ? { rounds: 1, seconds: 2 } : { rounds: 5, seconds: 4 }
  const all = await alternate(CONTENDERS, rounds, choices, contender =>
    withContender(network, contender, async running => {
      const runs: Run[] = []
      for (const subject of SUBJECTS) runs.push(await runOnce({ network, running, seconds }, subject))
      return runs
    }),
  )
  return SUBJECTS.flatMap((subject, at) =>
    all.map(({ contender, results }) => ({ subject, contender, runs: results.map(runs => runs[at]!) })),
  )
}

function measuresOf(subject: Subject, results: readonly Results[]): Measure[] {
  const { title, goals = [], note } = subject
  const of = (pick: (run: Run) => number): Measure['rows'] =>
    results
      .filter(result => result.subject === subject)
      .map(({ contender, runs }) => ({ contender, values: runs.map(pick) }))
  return [
    { title, unit: 'answers/s', better: 'more', rows: of(({ rate }) => rate), goals, ...(note ? { note } : {}) },
    {
      title: `${title}: processor time for each answer`,
      unit: 'µs',
      better: 'less',
      rows: of(({ processorMicroseconds }) => processorMicroseconds),
      goals,
    },
  ]
}

function checkOf({ subject, contender, runs }: Results): Check {
  const sum = (key: 'sent' | 'lost' | 'refused'): number => runs.reduce((total, run) => total + run[key], 0)
  const expected = subject.entries[0]!.value
  const right = runs.every(({ said }) => said === expected)
  const lostPercent = (sum('lost') / Math.max(1, sum('sent'))) * 100
  return {
    what: `${contender}: ${subject.title}`,
    holds: right && sum('refused') === 0 && lostPercent <= LOST_PERCENT_MOST,
    detail: `${sum('sent')} asked, ${sum('lost')} lost, ${sum('refused')} without an answer${right ? '' : `; said "${runs[0]?.said}"`}`,
  }
}

async function run(choices: Choices): Promise<Report> {
  return withNetwork(async network => {
    await startUpstream(network)
    const results = await measure(network, choices)
    return {
      measures: SUBJECTS.flatMap(subject => measuresOf(subject, results)),
      checks: results.map(checkOf),
    }
  })
}

export const dnsSuite: Suite = {
  name: 'dns',
  summary: 'answers a second on one core, beside dnsmasq and unbound; about eight minutes',
  needs: [
    { file: '/usr/bin/dnsperf', package: 'dnsperf' },
    { file: '/usr/sbin/dnsmasq', package: 'dnsmasq-base' },
    { file: '/usr/sbin/unbound', package: 'unbound' },
    { file: '/usr/bin/dig', package: 'bind9-dnsutils' },
    { file: '/usr/bin/taskset', package: 'util-linux' },
  ],
  run,
}
