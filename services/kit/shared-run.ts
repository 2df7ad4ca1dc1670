/** One run for all who ask meanwhile. */
import type { Clock } from './clock.ts'

export type SharedRun = {
  /** How long after a run has begun, or has ended, its result is good enough for who asks then, in milliseconds. */
  freshMs: number
  clock: Pick<Clock, 'elapsed'>
}

/**
 * A task whose result is shared: with who asks soon after a run has begun, or soon after it has ended. Who asks later while it is still under way gets the next
 * one, which begins after the question. What failed is for those who asked for it only.
 */
export function sharedRun<T>(task: () => Promise<T>, { freshMs, clock }: SharedRun): () => Promise<T> {
  let running: { result: Promise<T>; ended: Promise<unknown>; beganAt: number } | undefined
  let next: Promise<T> | undefined
  let last: { result: Promise<T>; endedAt: number } | undefined
  const isFresh = (at: number): boolean => clock.elapsed() - at < freshMs
  const run = (): Promise<T> => {
    next = undefined
    const beganAt = clock.elapsed()
    const result = task()
    const end = (kept: typeof last): void => {
      last = kept
      if (running === mine) running = undefined
    }
    const ended = result.then(
      () => end({ result, endedAt: clock.elapsed() }),
      () => end(undefined),
    )
    const mine = { result, ended, beganAt }
    running = mine
    return result
  }
  return () => {
    if (running) return isFresh(running.beganAt) ? running.result : (next ??= running.ended.then(run))
    return last && isFresh(last.endedAt) ? last.result : run()
  }
}
