/** The appliance under observation: its process from outside, its own counts, its gauge, and what it wrote into its log. */
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { askJson } from '../../services/console/remote-fleet.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Lab } from '../../services/lab/session.ts'
import { DATABASE_FILE } from '../../services/store/store.ts'
import type { GaugeReading } from './gauge.ts'
import type { Sample } from './samples.ts'

const GAUGE_LIMIT_MS = 20_000
const POLL_MS = 20
/** pino's numbers. */
const [LEVEL_WARN, LEVEL_ERROR] = [40, 50]
/**
 * What a rack with hostile neighbours and cables that are cut may be told at this level. A machine that stalls for another reason is not installed in the
 * end, and that is wrong by itself.
 */
const EXPECTED_ERRORS: ReadonlySet<unknown> = new Set(['other-server', 'other-boot-server', 'stalled'])
/** So many of one kind are told; the rest is counted. */
const TOLD_MOST = 5

const BYTES_PER_KIB = 1024

type Counted = { name: string; values: { value: number | null; labels: Record<string, string>; metricName?: string }[] }

export type Counts = {
  /** By the metric's name, without its prefix and suffix; all series together. */
  totals: Record<string, number>
  /** By the metric's name and the reason. */
  reasons: Record<string, number>
}

export type LogSummary = {
  lines: number
  warnings: Record<string, number>
  unexpected: string[]
  unexpectedCount: number
}

export class Patient {
  readonly #lab: Lab
  readonly #gaugeFile: string
  readonly #began = Date.now()

  constructor(lab: Lab, gaugeFile: string) {
    this.#lab = lab
    this.#gaugeFile = gaugeFile
  }

  async sample(): Promise<Sample> {
    const { pid } = this.#lab.appliance
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])
    const database = join(this.#lab.folder, 'state', DATABASE_FILE)
    const sizes = await Promise.all([database, `${database}-wal`].map(file => stat(file).catch(() => ({ size: 0 }))))
    return {
      at: Date.now() - this.#began,
      rss: kib * BYTES_PER_KIB,
      files: (await readdir(`/proc/${pid}/fd`)).length,
      database: sizes.reduce((sum, { size }) => sum + size, 0),
    }
  }

  /** What the loop did since the last reading, and the heap after a collection. */
  async readGauge(): Promise<GaugeReading> {
    const lines = async (): Promise<string[]> =>
      (await readFile(this.#gaugeFile, 'utf8').catch(() => '')).split('\n').filter(line => line.endsWith('}'))
    const before = (await lines()).length
    this.#lab.appliance.kill('SIGUSR2')
    for (const end = Date.now() + GAUGE_LIMIT_MS; Date.now() < end; ) {
      const now = await lines()
      if (now.length > before) return JSON.parse(now.at(-1)!) as GaugeReading
      await new Promise(wake => setTimeout(wake, POLL_MS))
    }
    throw new Error(`the appliance did not read its gauge within ${GAUGE_LIMIT_MS} ms`)
  }

  async counts(): Promise<Counts> {
    const socket = { path: join(this.#lab.folder, 'state/control.sock'), user: 'the soak' }
    const all = await askJson<Counted[]>(socket, 'GET', '/api/v1/metrics')
    if (isProblem(all)) throw new Error(all.message)
    const counts: Counts = { totals: {}, reasons: {} }
    for (const { name, values } of all) {
      if (!name.startsWith('rackrise_') || !name.endsWith('_total')) continue
      const short = name.slice('rackrise_'.length, -'_total'.length)
      for (const { value, labels } of values) {
        counts.totals[short] = (counts.totals[short] ?? 0) + (value ?? 0)
        const reason = labels['reason']
        if (reason && value) counts.reasons[`${short} ${reason}`] = (counts.reasons[`${short} ${reason}`] ?? 0) + value
      }
    }
    return counts
  }

  /** Every line of its log: what is no line of a log, and what only a bug or a broken disk should cause, is unexpected. */
  async log(): Promise<LogSummary> {
    const summary: LogSummary = { lines: 0, warnings: {}, unexpected: [], unexpectedCount: 0 }
    const unexpected = (line: string): void => {
      summary.unexpectedCount += 1
      if (summary.unexpectedCount <= TOLD_MOST) summary.unexpected.push(line.slice(0, 300))
    }
    for await (const line of createInterface({ input: createReadStream(join(this.#lab.folder, 'appliance.log')) })) {
      summary.lines += 1
      let said: { level?: number; reason?: string; event?: string; msg?: string } | undefined
      try {
        said = JSON.parse(line) as typeof said
      } catch {
        unexpected(line)
        continue
      }
      const level = said?.level ?? 0
      if (level >= LEVEL_ERROR && !EXPECTED_ERRORS.has(said?.reason ?? said?.event)) unexpected(line)
      else if (level >= LEVEL_WARN) {
        const kind = said?.reason ?? said?.msg ?? line
        summary.warnings[kind] = (summary.warnings[kind] ?? 0) + 1
      }
    }
    return summary
  }
}
