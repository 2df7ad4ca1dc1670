/**
 * DHCP: how many machines a second get a lease, beside Kea and dnsmasq, and how long each of them waits, also while the appliance sends ISOs to
 * others.
 */
import { parseIpv4 } from '../../services/kit/ipv4.ts'
import { dnsmasq, ISO, ISO_BYTES, keaSilent, keaTelling, rackrise } from './dhcp-contenders.ts'
import { besideDownloads } from './downloads.ts'
import { type BenchNetwork, CLIENT_ADDRESS, type Running, SERVER_ADDRESS } from './network.ts'
import { medianOf, percentileOf, searchRate } from './numbers.ts'
import { CROWDS, type Exchanges, MACHINES, perfdhcp } from './perfdhcp.ts'
import { alternate, asItsUnit, type Contender, withContender, withNetwork } from './rounds.ts'
import type { Check, Choices, Measure, Report, Suite } from './suite.ts'

const CONTENDERS = [rackrise, keaTelling, keaSilent, dnsmasq]
/** Where the search begins; dnsmasq is far below the others. */
const FIRST_RATE: Record<string, number> = { [dnsmasq.name]: 200 }
const COMMON_FIRST_RATE = 3000
const HIGHEST_RATE = 40_000
const DROP_PERCENT_MOST = 1

const DOWNLOADS = 8
/** What one in a hundred may wait for its answer meanwhile, at most. */
const BUSY_GOAL_MS = 20
const HTTP_PORT = 80

/** What a server has not answered yet when a run ends would be the next run's drop. */
const PAUSE_MS = 700

type Effort = { rounds: number; seconds: number; steps: number }

function effortOf({ quick }: Choices): Effort {
  return quick ? { rounds: 1, seconds: 2, steps: 1 } : { rounds: 3, seconds: 4, steps: 3 }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(wake => setTimeout(wake, milliseconds))
}

/** What all runs of one contender together showed about addresses. */
type Given = { leases: number; offeredTwice: number; leasedTwice: number }

/** Milliseconds of every single answer, OFFER or ACK, and what a whole exchange cost the server. */
type Waits = { milliseconds: number[]; processorMicroseconds: number }

class Asking {
  readonly #network: BenchNetwork
  readonly #choices: Choices
  readonly #effort: Effort
  readonly given = new Map<string, Given>()

  constructor(network: BenchNetwork, choices: Choices) {
    this.#network = network
    this.#choices = choices
    this.#effort = effortOf(choices)
  }

  async #run(contender: Contender, rate: number, timers = false): Promise<Exchanges> {
    const exchanges = await perfdhcp(this.#network, { rate, seconds: this.#effort.seconds, timers })
    const before = this.given.get(contender.name) ?? { leases: 0, offeredTwice: 0, leasedTwice: 0 }
    this.given.set(contender.name, {
      leases: before.leases + exchanges.complete,
      offeredTwice: before.offeredTwice + exchanges.offeredTwice,
      leasedTwice: before.leasedTwice + exchanges.leasedTwice,
    })
    await pause(PAUSE_MS)
    return exchanges
  }

  async highestRate(contender: Contender): Promise<number> {
    let best = 0
    const search = {
      from: FIRST_RATE[contender.name] ?? COMMON_FIRST_RATE,
      most: HIGHEST_RATE,
      steps: this.#effort.steps,
    }
    await this.#run(contender, Math.ceil(search.from / 3))
    await searchRate(search, async rate => {
      const { rate: achieved, dropPercent } = await this.#run(contender, rate)
      this.#choices.tell(
        `  ${rate}/s asked: ${achieved.toFixed(0)}/s acknowledged, ${dropPercent.toFixed(1)} % dropped`,
      )
      const passes = dropPercent <= DROP_PERCENT_MOST
      if (passes) best = Math.max(best, achieved)
      return passes
    })
    return best
  }

  async waits(contender: Contender, running: Running, rate: number): Promise<Waits> {
    await this.#run(contender, rate)
    const before = running.processorSeconds
    const { offerMs, ackMs, complete } = await this.#run(contender, rate, true)
    return {
      milliseconds: [...offerMs, ...ackMs],
      processorMicroseconds: ((running.processorSeconds - before) / complete) * 1e6,
    }
  }

  /** The same while the appliance's own HTTP server sends an ISO to each of eight clients. */
  waitsBesideDownloads(contender: Contender, running: Running, rate: number): Promise<Waits> {
    const request = {
      ...{ server: parseIpv4(SERVER_ADDRESS)!, port: HTTP_PORT, path: `/isos/${ISO}/proxmox.iso` },
      ...{ from: parseIpv4(CLIENT_ADDRESS)!, clients: DOWNLOADS, bytes: ISO_BYTES },
    }
    return besideDownloads(this.#network, request, () => this.waits(contender, running, rate))
  }
}

async function measureRates(asking: Asking, network: BenchNetwork, choices: Choices): Promise<Measure> {
  const rates = await alternate(CONTENDERS, effortOf(choices).rounds, choices, contender =>
    withContender(network, contender, () => asking.highestRate(contender)),
  )
  return {
    title: `machines that get a lease, at ${DROP_PERCENT_MOST} % drop at most`,
    unit: 'exchanges/s',
    better: 'more',
    rows: rates.map(({ contender, results }) => ({ contender, values: results })),
    goals: [
      { contender: keaTelling.name, ratio: 1.5 },
      { contender: dnsmasq.name, ratio: 10 },
    ],
    note: `${MACHINES * CROWDS} machines; rackrise flushes every lease to disk before it acknowledges it, Kea and dnsmasq do not`,
  }
}

/** The rate that both sides carry easily: half of what the slower one of them can. */
function halfLoad({ rows }: Measure): number {
  const highest = rows.filter(({ contender }) => contender !== dnsmasq.name).map(({ values }) => medianOf(values))
  return Math.round(Math.min(...highest) / 2)
}

async function measureWaits(asking: Asking, network: BenchNetwork, choices: Choices, rate: number): Promise<Measure[]> {
  const contenders = [rackrise, keaTelling, keaSilent]
  const { rounds } = effortOf(choices)
  const quiet = await alternate(contenders, rounds, choices, contender =>
    withContender(network, contender, running => asking.waits(contender, running, rate)),
  )
  const busy = await alternate([rackrise], rounds, choices, contender =>
    withContender(network, asItsUnit(contender), running => asking.waitsBesideDownloads(contender, running, rate)),
  )
  const rows = [...quiet, ...busy.map(({ results }) => ({ contender: `rackrise, ${DOWNLOADS} downloads`, results }))]
  const slowest = medianOf(busy.flatMap(({ results }) => results.map(of => percentileOf(of.milliseconds, 99))))
  const note = `goal of ${BUSY_GOAL_MS} ms beside downloads: ${slowest < BUSY_GOAL_MS ? 'met' : 'missed'}`
  const waits = [50, 99].map(percent => ({
    title: `wait for an answer at ${rate} exchanges/s, ${percent} of 100 are quicker`,
    unit: 'ms',
    better: 'less' as const,
    rows: rows.map(({ contender, results }) => ({
      contender,
      values: results.map(({ milliseconds }) => percentileOf(milliseconds, percent)),
    })),
    ...(percent === 99 && busy.length > 0 ? { note } : {}),
  }))
  const processor: Measure = {
    title: `processor time for each exchange, at ${rate} exchanges/s`,
    unit: 'µs',
    better: 'less',
    rows: quiet.map(({ contender, results }) => ({
      contender,
      values: results.map(({ processorMicroseconds }) => processorMicroseconds),
    })),
  }
  return [...waits, processor]
}

/** An offer that two machines hear is a pity; a lease that two machines have is the end of DHCP. */
function addressCheck([contender, { leases, offeredTwice, leasedTwice }]: [string, Given]): Check {
  return {
    what: `${contender}: no address was leased to two machines`,
    holds: leasedTwice === 0 && leases > 0,
    detail: `${leases} leases, ${leasedTwice} twice; ${offeredTwice} offered twice`,
  }
}

async function run(choices: Choices): Promise<Report> {
  return withNetwork(async network => {
    const asking = new Asking(network, choices)
    const rates = await measureRates(asking, network, choices)
    const waits = await measureWaits(asking, network, choices, halfLoad(rates))
    return { measures: [rates, ...waits], checks: [...asking.given].map(addressCheck) }
  })
}

export const dhcpSuite: Suite = {
  name: 'dhcp',
  summary: 'leases a second and waits, beside Kea and dnsmasq; about twelve minutes',
  needs: [
    { file: '/usr/sbin/perfdhcp', package: 'kea-admin' },
    { file: '/usr/sbin/kea-dhcp4', package: 'kea-dhcp4-server' },
    { file: '/usr/sbin/dnsmasq', package: 'dnsmasq-base' },
    { file: '/usr/bin/curl', package: 'curl' },
  ],
  run,
}
