/** Machines that download again and again while something else is measured, in one process: the server is to have no time, not they. */
import { join } from 'node:path'
import type { DownloadRequest } from './http-client.ts'
import type { BenchNetwork } from './network.ts'

export const DOWNLOADER = join(import.meta.dirname, 'http-client.ts')
const RAMP_UP_MS = 1500

/** Resolves with what `measure` did, once the downloads were under way; throws if they ended before it did. */
export async function besideDownloads<T>(
  network: BenchNetwork,
  request: DownloadRequest,
  measure: () => Promise<T>,
): Promise<T> {
  const words = [process.execPath, DOWNLOADER, JSON.stringify({ ...request, forEver: true })]
  const clients = network.spawn('client', words)
  try {
    await new Promise(wake => setTimeout(wake, RAMP_UP_MS))
    const measured = await measure()
    if (!clients.isRunning) throw new Error(`the downloads ended: ${clients.output}`)
    return measured
  } finally {
    await clients.stop()
  }
}
