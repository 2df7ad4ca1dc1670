/** TFTP: how fast loaders reach one machine and forty, in lock-step and in windows, on a good wire and on a bad one, beside tftpd-hpa and dnsmasq. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ipv4, ipv4FromNumber, ipv4ToNumber } from '../../services/kit/ipv4.ts'
import type { BenchNetwork } from './network.ts'
import { alternate, withNetwork } from './rounds.ts'
import { type Check, type Choices, isChosen, type Measure, type Report, type Suite } from './suite.ts'
import type { RackRequest, RackResult } from './tftp-client.ts'
import {
  addAddresses,
  CONTENDERS,
  FILES,
  rackrise,
  type Size,
  type TftpContender,
  tftpdHpa,
} from './tftp-contenders.ts'

const CLIENT = join(import.meta.dirname, 'tftp-client.ts')
const FIRST_CLIENT = '10.88.1.1'
const RACK = 40
const MIB = 1024 * 1024
const SIZES: Record<Size, number> = { '256 KiB': MIB / 4, '1 MiB': MIB, '64 MiB': 64 * MIB }
/** A run that takes longer counts as if it had ended then. */
const LIMIT_MS = 150_000

type Case = {
  size: Size
  clients: 1 | typeof RACK
  blockSize: 512 | 1468
  windowSize: 1 | 16
  /** Percent of the datagrams in each direction. */
  loss: 0 | 1 | 10
  rounds: number
  repeats: number
  goal?: number
}

/** One machine in lock-step may wait for the event loop; with windows, in racks and on bad wires nobody has to. */
const LOCK_STEP_GOAL = 0.7

function cases({ quick }: Choices): Case[] {
  const all: Case[] = []
  const shapes = ([512, 1468] as const).flatMap(blockSize =>
    ([1, 16] as const).map(windowSize => ({ blockSize, windowSize })),
  )
  for (const shape of shapes) {
    const alone = shape.windowSize === 1 ? LOCK_STEP_GOAL : 1
    all.push({ ...shape, size: '1 MiB', clients: 1, loss: 0, rounds: 5, repeats: 20, goal: alone })
    all.push({ ...shape, size: '64 MiB', clients: 1, loss: 0, rounds: 3, repeats: 1, goal: alone })
    all.push({ ...shape, size: '1 MiB', clients: RACK, loss: 0, rounds: 5, repeats: 3, goal: 1 })
    // Two and a half gigabytes in blocks of 512 would take minutes, and say the same.
    if (shape.blockSize === 1468)
      all.push({ ...shape, size: '64 MiB', clients: RACK, loss: 0, rounds: 1, repeats: 1, goal: 1 })
  }
  for (const shape of shapes.slice(2)) {
    for (const clients of [1, RACK] as const) {
      all.push({ ...shape, size: '1 MiB', clients, loss: 1, rounds: 2, repeats: 1, goal: 1 })
      all.push({ ...shape, size: '256 KiB', clients, loss: 10, rounds: 1, repeats: 1, goal: 1 })
    }
  }
  // Small blocks are lost three times as often for each file, and each loss costs a peer a second: a tenth of them lost would take a quarter of an hour.
  for (const clients of [1, RACK] as const)
    all.push({ ...shapes[0]!, size: '256 KiB', clients, loss: 1, rounds: 1, repeats: 1, goal: 1 })
  const chosen = quick ? all.filter(({ size, loss }) => size === '1 MiB' && loss < 10) : all
  return chosen.map(one => (quick ? { ...one, rounds: 1, repeats: Math.min(one.repeats, 3) } : one))
}

function titleOf({ size, clients, blockSize, windowSize, loss }: Case): string {
  const who = clients === 1 ? 'one client' : `${clients} clients`
  return `${size} to ${who}, blksize ${blockSize}, windowsize ${windowSize}${loss > 0 ? `, ${loss} % lost` : ''}`
}

class Racks {
  readonly #network: BenchNetwork
  readonly #files: string
  readonly #completed = new Map<string, { completed: number; asked: number; errors: Set<string> }>()

  constructor(network: BenchNetwork, files: string) {
    this.#network = network
    this.#files = files
  }

  async run(contender: TftpContender, one: Case, seed: number): Promise<RackResult> {
    const request: RackRequest = {
      server: contender.address,
      port: 69,
      name: FILES[one.size],
      file: join(this.#files, FILES[one.size]),
      clients: one.clients,
      blockSize: one.blockSize,
      windowSize: one.windowSize,
      loss: one.loss / 100,
      seed,
      repeats: one.repeats,
      limitMs: LIMIT_MS,
      firstAddress: FIRST_CLIENT,
    }
    const command = [process.execPath, CLIENT, JSON.stringify(request)]
    const { stdout, stderr } = await this.#network.run('client', command, (one.repeats + 2) * LIMIT_MS)
    if (!stdout) throw new Error(`the client: ${stderr.slice(0, 500)}`)
    const result = JSON.parse(stdout) as RackResult
    const all = this.#completed.get(contender.name) ?? { completed: 0, asked: 0, errors: new Set() }
    all.completed += result.completed
    all.asked += one.clients * one.repeats
    if (result.error) all.errors.add(`${titleOf(one)}: ${result.error}`)
    this.#completed.set(contender.name, all)
    return result
  }

  checks(): Check[] {
    return [...this.#completed].map(([name, { completed, asked, errors }]) => ({
      what: `${name}: every file came whole`,
      // What a peer does not finish is the peer's; what ours does not finish breaks the bench.
      holds: completed === asked || name !== rackrise.name,
      detail: `${completed} of ${asked}${errors.size > 0 ? `; ${[...errors].join('; ')}` : ''}`,
    }))
  }
}

async function measure(racks: Racks, one: Case, choices: Choices): Promise<Measure> {
  choices.tell(titleOf(one))
  const shares: number[] = []
  const byName = new Map(CONTENDERS.map(contender => [contender.name, contender]))
  // `alternate` starts nothing here: all contenders run already.
  const idle = CONTENDERS.map(({ name }) => ({ name, prepare: () => Promise.reject(new Error('it runs')) }))
  const results = await alternate(idle, one.rounds, { ...choices, tell: () => {} }, async ({ name }, round) => {
    const result = await racks.run(byName.get(name)!, one, round)
    if (name === rackrise.name) shares.push(result.cpuMs / result.ms)
    const rate = result.bytes / MIB / (result.ms / 1000)
    choices.tell(`  ${name}: ${rate.toFixed(2)} MiB/s${result.error ? ` (${result.error})` : ''}`)
    return rate
  })
  const goals = one.goal === undefined ? [] : [{ contender: tftpdHpa.name, ratio: one.goal }]
  const share = Math.round(Math.max(0, ...shares) * 100)
  return {
    title: titleOf(one),
    unit: 'MiB/s',
    better: 'more',
    rows: results.map(({ contender, results: values }) => ({ contender, values })),
    goals,
    note: `the client itself took ${share} % of a core${one.windowSize > 1 ? '; only rackrise grants windows' : ''}`,
  }
}

async function run(choices: Choices): Promise<Report> {
  return withNetwork(async network => {
    const files = network.freshFolder('files')
    for (const [size, name] of Object.entries(FILES)) writeFileSync(join(files, name), randomBytes(SIZES[size as Size]))
    const first = ipv4ToNumber(FIRST_CLIENT as Ipv4)
    await addAddresses(
      network,
      Array.from({ length: RACK }, (_, index) => ipv4FromNumber(first + index)),
    )
    for (const contender of CONTENDERS.filter(({ name }) => isChosen(name, choices))) {
      const { command, ready } = contender.prepare(network.freshFolder(contender.name), files)
      await network.spawn('server', command).untilReady(contender.name, ready)
    }
    const racks = new Racks(network, files)
    const measures: Measure[] = []
    for (const one of cases(choices)) measures.push(await measure(racks, one, choices))
    return { measures, checks: racks.checks() }
  })
}

export const tftpSuite: Suite = {
  name: 'tftp',
  summary:
    'loaders to one machine and forty, lock-step, windows, losses, beside tftpd-hpa and dnsmasq; about twenty minutes',
  needs: [
    { file: '/usr/sbin/in.tftpd', package: 'tftpd-hpa' },
    { file: '/usr/sbin/dnsmasq', package: 'dnsmasq-base' },
  ],
  run,
}
