/** What the store counts: how long transactions take, what waits for one, and how large the database is. */
import type { Meter } from '../kit/meter.ts'

export const COMMIT_RESULTS = ['written', 'failed'] as const

export type StoreCounts = {
  /** One transaction: from handing it to the thread that waits for the disk, until that said so. */
  committed(seconds: number, writes: number, result: (typeof COMMIT_RESULTS)[number]): void
}

export function storeCounts(meter: Meter): StoreCounts {
  const commits = meter.duration('rackrise_store_commit_seconds', 'One transaction, until it is on stable storage', [
    'result',
  ])
  const writes = meter.counter('rackrise_store_writes_total', 'Writes that shared those transactions', ['result'])
  return {
    committed(seconds, count, result) {
      commits({ result }, seconds)
      writes({ result }, count)
    },
  }
}

/** Database and log of writes. */
export const STORE_FILES = ['database', 'log'] as const

/** @param sizes of the two files, octets */
export function gaugeStore(
  meter: Meter,
  store: { waiting: number; sizes(): Promise<Record<(typeof STORE_FILES)[number], number>> },
): void {
  meter.gauge('rackrise_store_waiting_writes', 'Writes that wait for stable storage', [], () => [[{}, store.waiting]])
  meter.gauge('rackrise_store_bytes', 'Size of the database and of its log of writes', ['file'], async () => {
    const sizes = await store.sizes()
    return STORE_FILES.map(file => [{ file }, sizes[file]] as const)
  })
}
