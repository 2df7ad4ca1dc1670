/**
 * Loaded into the appliance's process before its own program (`node --expose-gc --import`), and otherwise a stranger to it: measures the event loop, and upon
 * SIGUSR2 appends one line of JSON to the file that `RACKRISE_SOAK_GAUGE` names. A reading begins the next measurement.
 */
import { appendFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** How often the loop is looked at; what it measures begins with that much. */
const RESOLUTION_MS = 10
const NS_PER_MS = 1e6

/** Milliseconds beyond the moment at which a timer was due; octets of the heap as they are after two collections. */
export type GaugeReading = {
  lag: { p50: number; p99: number; max: number }
  heapUsed: number
  external: number
  rss: number
}

function watch(file: string): void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  const late = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS)
  process.on('SIGUSR2', () => {
    const lag = { p50: late(delays.percentile(50)), p99: late(delays.percentile(99)), max: late(delays.max) }
    // Twice: what a finalizer of the first lets go of is free after the second.
    for (let turn = 0; turn < 2; turn++) globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    appendFileSync(file, `${JSON.stringify({ lag, heapUsed, external, rss } satisfies GaugeReading)}\n`)
    // The collections are ours.
    setTimeout(() => delays.reset())
  })
}

const file = process.env['RACKRISE_SOAK_GAUGE']
// Threads inherit what the process was started with.
if (isMainThread && file) watch(file)
