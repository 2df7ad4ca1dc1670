/** One run for all who ask meanwhile. */
import type { Clock, Instant } from './clock.ts'

export type SharedRun = {
  /** How old a result may be for who asks when nothing is under way, in milliseconds. */
  freshMs: number
  clock: Pick<Clock, 'now'>
}

/**
 * A task whose result is shared. Who asks while a run is under way gets the next one, which begins after the question; who asks soon after one has ended gets
 * its result. What failed is for those who asked for it only.
 */
export function sharedRun<T>(task: () => Promise<T>, { freshMs, clock }: SharedRun): () => Promise<T> {
  let running: Promise<unknown> | undefined
  let next: Promise<T> | undefined
  let last: { result: Promise<T>; endedAt: Instant } | undefined
  const run = (): Promise<T> => {
    next = undefined
    const result = task()
    const end = (kept: typeof last): void => {
      last = kept
      if (running === ended) running = undefined
    }
    const ended: Promise<void> = result.then(
      () => end({ result, endedAt: clock.now() }),
      () => end(undefined),
    )
    running = ended
    return result
  }
  return () => {
    if (running) return (next ??= running.then(run))
    return last && clock.now() - last.endedAt < freshMs ? last.result : run()
  }
}
