/** A task that is done again and again, and never beside itself. */
import type { Clock } from './clock.ts'

/**
 * Runs a task every so many milliseconds, counted from the end of the last run; a failure is told and tried again.
 * Returns how to stop: resolves when a run that is under way has ended, and no other begins.
 */
export function repeat(
  clock: Clock,
  everyMs: number,
  task: () => Promise<void>,
  onFailure: (error: unknown) => void,
): () => Promise<void> {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  let cancel = clock.after(everyMs, run)
  function run(): void {
    running = task()
      .catch(onFailure)
      .then(() => {
        if (!stopped) cancel = clock.after(everyMs, run)
      })
  }
  return () => {
    stopped = true
    cancel()
    return running
  }
}
