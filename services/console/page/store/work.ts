/** Long work of the appliance as the stream of events tells it: pure, and kept in a signal by `live.ts`. */
import type { WorkView } from '../../schema/work.ts'
import { percent } from '../words/quantities.ts'

/** `heardAt` by this computer's clock: the time that is left runs on from there. */
export type HeardWork = { work: WorkView; heardAt: number }

export type Works = ReadonlyMap<string, HeardWork>

export function withWork(works: Works, work: WorkView, heardAt: number): Works {
  return new Map(works).set(work.id, { work, heardAt })
}

/** What runs under that id. */
export function runningIn(works: Works, id: string): HeardWork | undefined {
  const heard = works.get(id)
  return heard && !heard.work.end ? heard : undefined
}

export function workPercent({ done, total }: Pick<WorkView, 'done' | 'total'>): number {
  return percent(done, total)
}

/** Seconds, at most; undefined where nobody knows. */
export function secondsLeftOf({ work: { secondsLeft }, heardAt }: HeardWork, now: number): number | undefined {
  return secondsLeft === undefined ? undefined : Math.max(0, Math.ceil(secondsLeft - (now - heardAt) / 1000))
}

/** What a screen reader is told of it: that it ended, and how. Undefined for all else, or it would speak twice a second. */
export function workAnnouncement({ what, subject, end }: WorkView): string | undefined {
  if (!end) return undefined
  const name = what === 'doctor' ? 'Doctor' : `Verifying ${subject ?? ''}`
  if (end.outcome === 'failed') return `${name} failed: ${end.problem?.message ?? ''}`
  return `${name} ${end.outcome === 'done' ? 'is done' : 'was cancelled'}`
}
