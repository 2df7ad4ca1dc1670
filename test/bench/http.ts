/**
 * HTTP: how fast an ISO reaches one machine, eight and forty, as it is and as the initrd of an attempt that is made on the wire, beside nginx; what it costs the
 * processor; and how long DHCP and answers wait meanwhile.
 */
import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'
import { besideDownloads, DOWNLOADER } from './downloads.ts'
import type { AnswerRequest, AnswerResult } from './http-answer-client.ts'
import type { DownloadRequest, DownloadResult } from './http-client.ts'
import { ISO, MACHINE, NGINX_PORT, nginx, RELEASE, rackrise } from './http-contenders.ts'
import { type BenchNetwork, CLIENT_ADDRESS, CLIENT_DEVICE, type Running, SERVER_ADDRESS } from './network.ts'
import { percentileOf } from './numbers.ts'
import { perfdhcp } from './perfdhcp.ts'
import { withNetwork } from './rounds.ts'
import { type Check, type Choices, isChosen, type Measure, type Report, type Suite } from './suite.ts'

const INSTALLER = join(import.meta.dirname, 'http-answer-client.ts')
const SHORT_MS = 10_000
const LONG_MS = 200_000

/** Proxmox VE's. What follows the last file of an image is nobody's, and a file with a hole costs no disk: it is read into the page cache once. */
const ISO_BYTES = 1_700_000_000
const RACKS = [1, 8, 40] as const
/** The stand-in's own files are less than a thousandth of the ISO. */
const LEAST_OF_ISO = 0.99
/** A short run takes the first bytes of the ISO only, so many in all. */
const QUICK_BYTES = 7_000_000_000

const DOWNLOADS = 8
/** As many as a hall of racks that is switched on, at the same time for minutes. */
const EXCHANGES_A_SECOND = 200
const DHCP_GOAL_MS = 20
/** At most a fifth more than nginx takes. */
const PROCESSOR_GOAL = 0.83

/** What is asked of whom. */
type Subject = { name: string; port: number; path: string; running: Running }
type Taken = {
  megabytesASecond: number
  processorSecondsAGigabyte: number
  /** The clients' with it. */
  bothEnds: number
  clientCores: number
}

class Bench {
  readonly #network: BenchNetwork
  readonly #choices: Choices
  readonly failures: string[] = []
  downloads = 0

  constructor(network: BenchNetwork, choices: Choices) {
    this.#network = network
    this.#choices = choices
  }

  async #client(words: readonly string[], limitMs: number): Promise<string> {
    const { status, stdout, stderr } = await this.#network.run('client', words, limitMs)
    if (status !== 0) throw new Error(`${words.slice(0, 2).join(' ')}: ${stderr}${stdout}`)
    return stdout
  }

  #request(subject: Subject, clients: number, bytes: number): DownloadRequest {
    const { port, path } = subject
    return { server: SERVER_ADDRESS as DownloadRequest['server'], port, path, from: MACHINE.address, clients, bytes }
  }

  async download(subject: Subject, clients: number, bytes: number): Promise<Taken> {
    const before = subject.running.processorSeconds
    const request = JSON.stringify(this.#request(subject, clients, bytes))
    const { stdout } = await this.#network.run('client', [process.execPath, DOWNLOADER, request], LONG_MS)
    const result = JSON.parse(stdout || '{"error":"took too long"}') as DownloadResult
    this.downloads += result.complete
    if (result.error || result.complete !== clients)
      this.failures.push(`${subject.name}, ${clients} clients: ${result.error}`)
    const gigabytes = result.bytes / 1e9
    const spent = subject.running.processorSeconds - before
    const taken = {
      megabytesASecond: result.bytes / 1e3 / result.ms,
      processorSecondsAGigabyte: spent / gigabytes,
      bothEnds: (spent + result.cpuMs / 1000) / gigabytes,
      clientCores: result.cpuMs / result.ms,
    }
    this.#choices.tell(
      `  ${subject.name}: ${taken.megabytesASecond.toFixed(0)} MB/s, ${taken.processorSecondsAGigabyte.toFixed(3)} s a GB, the clients took ${(taken.clientCores * 100).toFixed(0)} % of a core`,
    )
    return taken
  }

  /** Leases the machine's address, stands there, and fetches its script. Resolves with where the initrd of its attempt is. */
  async bootMachine(): Promise<string> {
    const words = ['perfdhcp', '-4', '-b', `mac=${MACHINE.mac}`, '-l', CLIENT_ADDRESS, '-R', '1', '-r', '2', '-p', '2']
    // It counts what it asked last and did not wait for.
    await this.#network.run('client', [...words, '-W', '500000', SERVER_ADDRESS], SHORT_MS)
    await this.#client(['ip', 'address', 'add', `${MACHINE.address}/14`, 'dev', CLIENT_DEVICE], SHORT_MS)
    const url = `http://${SERVER_ADDRESS}/boot.ipxe?mac=${MACHINE.mac}`
    const script = await this.#client(['curl', '-sSf', '--interface', MACHINE.address, url], SHORT_MS)
    const found = /\/boot\/\w+\/initrd\.img/.exec(script)
    if (!found) throw new Error(`the machine was not told to install: ${script}`)
    return found[0]
  }

  async digest(path: string): Promise<string> {
    const url = `http://${SERVER_ADDRESS}${path}`
    const command = `curl -sSf --interface ${MACHINE.address} ${url} | sha256sum`
    return (await this.#client(['sh', '-c', command], LONG_MS)).split(' ')[0]!
  }

  async length(path: string): Promise<number> {
    const url = `http://${SERVER_ADDRESS}${path}`
    const head = await this.#client(['curl', '-sSfI', '--interface', MACHINE.address, url], SHORT_MS)
    return Number(/^content-length: (\d+)/im.exec(head)?.[1])
  }

  /** Milliseconds of every OFFER and ACK, then of every answer. */
  async waits(): Promise<{ dhcp: number[]; answer: number[] }> {
    const seconds = this.#choices.quick ? 4 : 20
    const { offerMs, ackMs } = await perfdhcp(this.#network, { rate: EXCHANGES_A_SECOND, seconds, timers: true })
    const request: AnswerRequest = {
      server: SERVER_ADDRESS,
      from: MACHINE.address,
      times: this.#choices.quick ? 40 : 200,
      betweenMs: 20,
      body: {
        $schema: { version: '1.0' },
        product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: true },
        iso: { release: RELEASE, isorelease: '1' },
        dmi: { system: {} },
        network_interfaces: [{ link: 'eno1', mac: MACHINE.mac }],
      },
    }
    const stdout = await this.#client([process.execPath, INSTALLER, JSON.stringify(request)], LONG_MS)
    return { dhcp: [...offerMs, ...ackMs], answer: (JSON.parse(stdout) as AnswerResult).milliseconds }
  }

  waitsBesideDownloads(subject: Subject): Promise<{ dhcp: number[]; answer: number[] }> {
    return besideDownloads(this.#network, this.#request(subject, DOWNLOADS, ISO_BYTES), () => this.waits())
  }
}

const OURS = 'rackrise'
const OURS_ON_THE_WIRE = 'rackrise, initrd of an attempt'
const THEIRS = 'nginx'

/** All that was taken of each subject, by the number of clients. */
type Results = Map<string, Map<number, Taken[]>>

async function measureDownloads(bench: Bench, subjects: readonly Subject[], choices: Choices): Promise<Results> {
  const results: Results = new Map(subjects.map(({ name }) => [name, new Map()]))
  const rounds = choices.quick ? 2 : 3
  for (const clients of RACKS) {
    const bytes = choices.quick ? Math.min(ISO_BYTES, Math.floor(QUICK_BYTES / clients)) : ISO_BYTES
    for (let round = 1; round <= rounds; round++) {
      choices.tell(`round ${round} of ${rounds}: ${clients} clients`)
      for (const subject of subjects) {
        const of = results.get(subject.name)!
        of.set(clients, [...(of.get(clients) ?? []), await bench.download(subject, clients, bytes)])
      }
    }
  }
  return results
}

function downloadMeasures(results: Results): Measure[] {
  const rowsOf = (ours: string, clients: number, value: (taken: Taken) => number): Measure['rows'] =>
    [ours, THEIRS].flatMap(contender => {
      const taken = results.get(contender)?.get(clients)
      return taken ? [{ contender, values: taken.map(value) }] : []
    })
  const made: Measure[] = []
  for (const ours of [OURS, OURS_ON_THE_WIRE].filter(name => results.has(name))) {
    for (const clients of RACKS) {
      const what = `${ours === OURS ? 'an ISO' : 'an initrd made on the wire'} to ${clients === 1 ? 'one client' : `${clients} clients`}`
      const throughput: Measure = {
        title: what,
        unit: 'MB/s',
        better: 'more',
        rows: rowsOf(ours, clients, taken => taken.megabytesASecond),
        goals: [{ contender: THEIRS, ratio: 1 }],
      }
      const processor: Measure = {
        title: `${what}, processor time for each gigabyte`,
        unit: 's',
        better: 'less',
        rows: rowsOf(ours, clients, taken => taken.processorSecondsAGigabyte),
        goals: [{ contender: THEIRS, ratio: PROCESSOR_GOAL }],
      }
      const bothEnds: Measure = {
        ...processor,
        title: `${what}, processor time of both ends for each gigabyte`,
        rows: rowsOf(ours, clients, taken => taken.bothEnds),
      }
      made.push(throughput, processor, bothEnds)
    }
  }
  return made
}

async function measureWaits(bench: Bench, subject: Subject, choices: Choices): Promise<Measure[]> {
  const situations: [string, () => Promise<{ dhcp: number[]; answer: number[] }>][] = [
    [`${OURS}, ${DOWNLOADS} downloads`, () => bench.waitsBesideDownloads(subject)],
    [`${OURS}, no download`, () => bench.waits()],
  ]
  const rounds = choices.quick ? 1 : 3
  const all = situations.map(([contender]) => ({ contender, results: [] as { dhcp: number[]; answer: number[] }[] }))
  for (let round = 1; round <= rounds; round++) {
    for (const [index, [name, measure]] of situations.entries()) {
      choices.tell(`waits, round ${round} of ${rounds}: ${name}`)
      all[index]!.results.push(await measure())
    }
  }
  const measureOf = (title: string, kind: 'dhcp' | 'answer', percent: number, note?: string): Measure => ({
    title: `${title}, ${percent} of 100 are quicker`,
    unit: 'ms',
    better: 'less',
    rows: all.map(({ contender, results }) => ({
      contender,
      values: results.map(result => percentileOf(result[kind], percent)),
    })),
    ...(note ? { note } : {}),
  })
  const dhcp = `wait for OFFER or ACK at ${EXCHANGES_A_SECOND} exchanges/s`
  return [
    measureOf(dhcp, 'dhcp', 50),
    measureOf(dhcp, 'dhcp', 99, `the goal beside downloads is ${DHCP_GOAL_MS} ms`),
    measureOf('wait for an answer over TLS', 'answer', 50),
    measureOf('wait for an answer over TLS', 'answer', 99),
  ]
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

async function run(choices: Choices): Promise<Report> {
  return withNetwork(async network => {
    const bench = new Bench(network, choices)
    const files = join(network.folder, 'files')
    mkdirSync(files)
    await buildStandIn({ folder: files, kind: 'small', release: RELEASE })
    truncateSync(join(files, ISO), ISO_BYTES)
    // Reads it into the page cache, too.
    const digest = await digestOf(join(files, ISO))
    const start = async (name: string, prepare: typeof rackrise): Promise<Running> => {
      const { command, ready } = prepare(network.freshFolder(name), files)
      const running = network.spawn('server', command)
      await running.untilReady(name, ready)
      return running
    }
    const [ours, theirs] = [await start(OURS, rackrise), await start(THEIRS, nginx)]
    const initrd = await bench.bootMachine()
    const plain: Subject = { name: OURS, port: 80, path: `/isos/${ISO}/proxmox.iso`, running: ours }
    const subjects: Subject[] = [
      plain,
      { name: OURS_ON_THE_WIRE, port: 80, path: initrd, running: ours },
      { name: THEIRS, port: NGINX_PORT, path: `/${ISO}`, running: theirs },
    ]
    const chosen = subjects.filter(({ name }) => isChosen(name, choices))
    const arrives: Check = {
      what: 'the ISO arrives as it is on the disk',
      holds: (await bench.digest(plain.path)) === digest,
      detail: digest.slice(0, 12),
    }
    const wire = await bench.length(initrd)
    const downloads = downloadMeasures(await measureDownloads(bench, chosen, choices))
    const waits = isChosen(OURS, choices) ? await measureWaits(bench, plain, choices) : []
    const complete: Check = {
      what: 'every client got every byte that it was promised',
      // What an attempt gets is the ISO less the data in /boot, and the initrd behind it.
      holds: bench.failures.length === 0 && wire > LEAST_OF_ISO * ISO_BYTES,
      detail: bench.failures.join('; ') || `${bench.downloads} downloads`,
    }
    return { measures: [...downloads, ...waits], checks: [arrives, complete] }
  })
}

export const httpSuite: Suite = {
  name: 'http',
  summary: 'ISOs to one machine and forty, as they are and made on the wire, beside nginx; about ten minutes',
  needs: [
    { file: '/usr/sbin/nginx', package: 'nginx-light' },
    { file: '/usr/sbin/perfdhcp', package: 'kea-admin' },
    { file: '/usr/bin/curl', package: 'curl' },
  ],
  run,
}
