/** The state that can not be written is an alarm as soon as a write fails, and no longer than until one does not: nobody has to restart anything. */
import { REASONS } from '../dhcp/reasons.ts'
import type { Alarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { repeat } from '../kit/repeat.ts'

/** The word of the DHCP server, which is the first to notice: no lease, no acknowledgement. */
const CODE = 'store-failed'
export const LOOK_MS = 2_000
/** It lasts until it is mended, however long that takes. */
const LASTS = Number.POSITIVE_INFINITY

export type WatchedStore = {
  /** Why the last transaction failed; undefined if it did not. */
  readonly failure: string | undefined
  /** Resolves when something was written. */
  prove(): Promise<void>
}

export type StoreWatchOptions = {
  store: WatchedStore
  alarms: Pick<Alarms, 'raise' | 'end'>
  log: Log
  clock: Clock
  /** Looks at the disk, when it has failed and when it goes again. */
  look: () => void
}

/** Returns how to stop. Writes once at the beginning: what writes has its files open from then on, also when there is no descriptor left for another. */
export function watchStore({ store, alarms, log, clock, look }: StoreWatchOptions): () => Promise<void> {
  let isFailing = false
  const told = (failure: string): void => {
    const message = `the state can not be written: ${failure}`
    const hint = REASONS[CODE].action
    alarms.raise({ code: CODE, severity: 'alarm', message, hint }, LASTS)
    if (!isFailing) {
      log.error({ reason: CODE, hint }, message)
      look()
    }
    isFailing = true
  }
  const lookAtStore = async (): Promise<void> => {
    if (store.failure === undefined && !isFailing) return
    if (store.failure !== undefined) told(store.failure)
    // What fails says so itself.
    await store.prove().catch(() => {})
    if (store.failure !== undefined) return
    isFailing = false
    alarms.end(CODE)
    look()
  }
  void store.prove().catch(() => {})
  return repeat(clock, LOOK_MS, lookAtStore, error =>
    log.error({ error: String(error) }, 'the look at the store failed'),
  )
}
