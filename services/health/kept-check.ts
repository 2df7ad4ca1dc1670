/** `check` for who asks again and again, as a page does: one run for all, and another one only when something that it read is no longer what it was. */
import type { Clock, Instant } from '../kit/clock.ts'
import type { Problem } from '../kit/problem.ts'
import { sharedRun } from '../kit/shared-run.ts'

/** `at` is when it began. */
export type KeptRun = { at: Instant; tookMs: number; problems: Problem[] }

/** What a run says about machines and certificates grows old although no file changes. */
export const CHECK_AGE_MS = 10 * 60_000

export type KeptCheckOptions = {
  run: () => Promise<Problem[]>
  /** What tells whether the files are still the same ones. */
  stamp: () => Promise<string>
  clock: Clock
}

/** Never two runs at once. Returns how to ask; `fresh`: for what is so now, whatever is known. */
export function keepCheck({ run, stamp, clock }: KeptCheckOptions): (fresh: boolean) => Promise<KeptRun> {
  let kept: { made: KeptRun; stamp: string; since: number } | undefined
  let running: Promise<KeptRun> | undefined
  const runOnce = sharedRun(
    async () => {
      // Before it reads: what is changed meanwhile is another state.
      const before = await stamp()
      const at = clock.now()
      const since = clock.elapsed()
      const problems = await run()
      const made = { at, tookMs: clock.elapsed() - since, problems }
      kept = { made, stamp: before, since }
      return made
    },
    { freshMs: 0, clock },
  )
  return async fresh => {
    const known = kept
    const isGood = known && !fresh && clock.elapsed() - known.since < CHECK_AGE_MS && (await stamp()) === known.stamp
    if (isGood) return known.made
    // Whoever wants to know what is so now gets a run that begins after the question; for all others the one under way will do.
    if (running && !fresh) return running
    const mine = runOnce().finally(() => {
      if (running === mine) running = undefined
    })
    running = mine
    return mine
  }
}
