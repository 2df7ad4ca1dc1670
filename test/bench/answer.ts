/** Answers: how long each machine of a rack waits when all of them ask at once, over TLS, beside the small Python server of the Proxmox wiki. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Question, RackQuestion, RackWaits, Wait } from './answer-client.ts'
import { ISO_PATH, MACHINES, python, RACK, rackrise, TLS_PORT, tokenOf } from './answer-contenders.ts'
import { type BenchNetwork, CLIENT_DEVICE, SERVER_ADDRESS } from './network.ts'
import { medianOf, percentileOf } from './numbers.ts'
import { alternate, type Contender, withContender, withNetwork } from './rounds.ts'
import type { Check, Choices, Measure, Report, Suite } from './suite.ts'

const CLIENT = join(import.meta.dirname, 'answer-client.ts')
const ROUNDS = 5
const REPEATS = 5
/** The first two thousand answers cost up to twice as much, until their code is compiled. */
const WARM_REPEATS = 20
const RUN_LIMIT_MS = 120_000
/** What a machine may wait at most, one in a hundred excepted. */
const GOAL_MS = 50

/**
 * `connections`: a rack whose connections begin at once; `requests`: one whose requests do, when all handshakes are done; `serverMs` is what the former took of the
 * server. `busy`: of single machines, while others download; of ours only.
 */
type Result = { connections: RackWaits; requests: RackWaits; serverMs: number; busy: Wait[] }

const DOWNLOADS = 8
/** More than a run takes. */
const DOWNLOADS_EACH = 500
const BUSY_MACHINES = 20
const BUSY_LIMIT_MS = 1000

/** Every machine fetches its boot script, as it does before its installer asks; what comes back names its attempt. */
async function bootRack(network: BenchNetwork, folder: string): Promise<Question[]> {
  return Promise.all(
    MACHINES.map(async ({ address, mac, body }) => {
      const url = `http://${SERVER_ADDRESS}/boot.ipxe?mac=${mac}`
      const { stdout } = await network.run('client', ['curl', '-s', '--interface', address, url], RUN_LIMIT_MS)
      const attempt = /\/boot\/([0-9a-f]{8})\//.exec(stdout)?.[1]
      if (!attempt) throw new Error(`the boot script of ${mac}: ${stdout.slice(0, 300)}`)
      return { address, body, path: `/answer/${await tokenOf(folder, attempt)}` }
    }),
  )
}

async function askRack(
  network: BenchNetwork,
  machines: Question[],
  repeats: number,
  atOnce: RackQuestion['atOnce'] = 'connections',
): Promise<RackWaits> {
  const question: RackQuestion = { server: SERVER_ADDRESS, port: TLS_PORT, machines, repeats, atOnce }
  const file = join(network.freshFolder('question'), 'question.json')
  writeFileSync(file, JSON.stringify(question))
  const { stdout, stderr } = await network.run('client', [process.execPath, CLIENT, file], RUN_LIMIT_MS)
  if (!stdout) throw new Error(`the client: ${stderr.slice(0, 500)}`)
  return JSON.parse(stdout) as RackWaits
}

/** One machine after the other asks while eight others load their images as fast as they can, and somebody watches the fleet. */
async function askWhileBusy(network: BenchNetwork, folder: string, machines: Question[]): Promise<Wait[]> {
  const urls = Array.from({ length: DOWNLOADS_EACH }, () => ['-o', '/dev/null', `http://${SERVER_ADDRESS}${ISO_PATH}`])
  const socket = join(folder, 'state', 'control.sock')
  const watch = `while :; do curl -s -o /dev/null --unix-socket ${socket} http://x/api/v1/machines; done`
  const others = Array.from({ length: DOWNLOADS }, () => network.spawn('client', ['curl', '-s', ...urls.flat()]))
  others.push(network.spawn('client', ['sh', '-c', watch]))
  try {
    const waits: Wait[] = []
    for (const machine of machines.slice(0, BUSY_MACHINES)) waits.push(...(await askRack(network, [machine], 1)).waits)
    return waits
  } finally {
    await Promise.all(others.map(other => other.stop()))
  }
}

async function measure(network: BenchNetwork, contender: Contender, repeats: number): Promise<Result> {
  return withContender(network, contender, async (running, folder) => {
    const machines =
      contender.name === rackrise.name
        ? await bootRack(network, folder)
        : MACHINES.map(({ address, body }) => ({ address, body, path: '/answer/token' }))
    // To be warm: a rack is not the first thing that a server sees.
    await askRack(network, machines, WARM_REPEATS)
    const before = running.processorSeconds
    const connections = await askRack(network, machines, repeats)
    const serverMs = (running.processorSeconds - before) * 1000
    const requests = await askRack(network, machines, repeats, 'requests')
    const busy = contender.name === rackrise.name ? await askWhileBusy(network, folder, machines) : []
    return { connections, requests, serverMs, busy }
  })
}

function measureOf(
  title: string,
  unit: string,
  results: Results,
  value: (result: Result) => number,
  note?: string,
): Measure {
  const rows = results.map(({ contender, results: rounds }) => ({ contender, values: rounds.map(value) }))
  return { title, unit, better: 'less', rows, goals: [], ...(note ? { note } : {}) }
}

async function run(choices: Choices): Promise<Report> {
  return withNetwork(async network => {
    const lines = MACHINES.map(({ address }) => `address add ${address}/14 dev ${CLIENT_DEVICE}\n`).join('')
    await network.run('client', ['sh', '-c', `printf '${lines}' | ip -batch -`], RUN_LIMIT_MS)
    const [rounds, repeats] = choices.quick ? [1, 2] : [ROUNDS, REPEATS]
    const results = await alternate([rackrise, python], rounds, choices, async contender => {
      const result = await measure(network, contender, repeats)
      choices.tell(`  99 of 100 within ${percentileOf(answers(result), 99).toFixed(1)} ms of their requests`)
      return result
    })
    const percentile = (part: (result: Result) => number[], percent: number) => (result: Result) =>
      percentileOf(part(result), percent)
    const client = `the client itself took ${clientMs(results).toFixed(2)} ms of a core for each of them`
    return {
      measures: [
        measureOf(
          `${RACK} requests at once, the handshakes done: what one in a hundred waits for its answer`,
          'ms',
          results,
          percentile(answers, 99),
          goalNote(results),
        ),
        measureOf('the half of them', 'ms', results, percentile(answers, 50)),
        measureOf(
          `${RACK} connections at once: what one in a hundred waits, handshake and answer`,
          'ms',
          results,
          percentile(wholes, 99),
          client,
        ),
        measureOf('the half of these', 'ms', results, percentile(wholes, 50)),
        measureOf(
          'processor of the server for each handshake and answer',
          'ms',
          results,
          ({ serverMs, connections }) => serverMs / connections.waits.length,
        ),
      ],
      checks: checksOf(results),
    }
  })
}

function wholes({ connections }: Result): number[] {
  return connections.waits.map(({ wholeMs }) => wholeMs)
}

function answers({ requests }: Result): number[] {
  return requests.waits.map(({ answerMs }) => answerMs)
}

type Results = { contender: string; results: Result[] }[]

function clientMs(results: Results): number {
  const rounds = results.flatMap(({ results: each }) => each.map(({ connections }) => connections))
  return rounds.reduce((sum, { cpuMs, waits }) => sum + cpuMs / waits.length, 0) / Math.max(1, rounds.length)
}

function goalNote(results: Results): string {
  const ours = results.find(({ contender }) => contender === rackrise.name)?.results ?? []
  const met = medianOf(ours.map(result => percentileOf(answers(result), 99))) < GOAL_MS
  return `goal of ${GOAL_MS} ms: ${met ? 'met' : 'missed'}`
}

function checksOf(results: Results): Check[] {
  const each = results.map(({ contender, results: rounds }) => {
    const racks = rounds.flatMap(({ connections, requests }) => [connections, requests])
    const errors = racks.flatMap(({ errors: failed }) => failed)
    const asked = racks.reduce((sum, { waits }) => sum + waits.length, errors.length)
    return {
      what: `${contender}: every machine got its answer`,
      holds: errors.length === 0,
      detail: `${asked - errors.length} of ${asked}${errors[0] ? `; ${errors[0]}` : ''}`,
    }
  })
  const busy = results
    .flatMap(({ results: rounds }) => rounds.flatMap(round => round.busy))
    .map(({ wholeMs }) => wholeMs)
  const slowest = Math.max(...busy)
  const calm = {
    what: `rackrise: an answer within a second while ${DOWNLOADS} machines download and somebody watches the fleet`,
    holds: slowest < BUSY_LIMIT_MS,
    detail: `${busy.length} asked; half within ${percentileOf(busy, 50).toFixed(0)} ms, the slowest after ${slowest.toFixed(0)} ms`,
  }
  return busy.length > 0 ? [...each, calm] : each
}

export const answerSuite: Suite = {
  name: 'answer',
  summary:
    'a rack of 100 that asks at once over TLS, beside the Python server of the Proxmox wiki; about three minutes',
  needs: [
    { file: '/usr/lib/python3/dist-packages/aiohttp/__init__.py', package: 'python3-aiohttp' },
    { file: '/usr/bin/curl', package: 'curl' },
  ],
  run,
}
