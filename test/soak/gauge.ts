/**
 * Loaded into the appliance's process before its own program (`node --expose-gc --import`), and otherwise a stranger to it: measures the event loop, and upon
 * SIGUSR2 appends one line of JSON to the file that `RACKRISE_SOAK_GAUGE` names. A reading begins the next measurement.
 */
import { appendFileSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** How often the loop is looked at. */
const LOOK_MS = 10
const US_PER_MS = 1000
/** A histogram begins at one. */
const FEWEST_US = 1

/** Milliseconds. */
export type Lag = { p50: number; p99: number; max: number }

export type GaugeReading = {
  /** How late a timer was: the loop was busy, or the process had no processor. */
  late: Lag
  /** The part of that in which the loop's own thread worked, whatever else ran on the machine. */
  held: Lag
  /** Octets of the heap as they are after two collections. */
  heapUsed: number
  external: number
  rss: number
}

function watch(file: string): void {
  const [late, held] = [createHistogram(), createHistogram()]
  let [at, worked] = [performance.now(), 0]
  const look = (): void => {
    const [now, { user, system }] = [performance.now(), process.threadCpuUsage()]
    const beyond = (us: number): number => Math.max(FEWEST_US, Math.round(us - LOOK_MS * US_PER_MS))
    late.record(beyond((now - at) * US_PER_MS))
    held.record(beyond(user + system - worked))
    at = now
    worked = user + system
  }
  setInterval(look, LOOK_MS).unref()
  const lagOf = (histogram: typeof late): Lag => ({
    p50: histogram.percentile(50) / US_PER_MS,
    p99: histogram.percentile(99) / US_PER_MS,
    max: histogram.max / US_PER_MS,
  })
  process.on('SIGUSR2', () => {
    const lags = { late: lagOf(late), held: lagOf(held) }
    // Twice: what a finalizer of the first lets go of is free after the second.
    for (let turn = 0; turn < 2; turn++) globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    appendFileSync(file, `${JSON.stringify({ ...lags, heapUsed, external, rss } satisfies GaugeReading)}\n`)
    // The collections are ours.
    look()
    for (const histogram of [late, held]) histogram.reset()
  })
}

const file = process.env['RACKRISE_SOAK_GAUGE']
// Threads inherit what the process was started with.
if (isMainThread && file) watch(file)
