/** Long work as people and programs are shown it. */
import type { Instant } from '../kit/clock.ts'
import { type Work, workLeftMs, workRate } from '../kit/work.ts'
import type { WorkView } from './schema/work.ts'

const iso = (at: Instant): string => new Date(at).toISOString()

export function viewWork(work: Work, now: Instant): WorkView {
  const { id, what, subject, unit, done, total, doing, canCancel, startedAt, end } = work
  const rate = unit === 'bytes' ? Math.round(workRate(work)) : 0
  const leftMs = workLeftMs(work, now)
  return {
    id,
    what: what as WorkView['what'],
    ...(subject === undefined ? {} : { subject }),
    unit,
    done,
    total,
    ...(rate > 0 ? { perSecond: rate } : {}),
    ...(leftMs === undefined ? {} : { secondsLeft: Math.ceil(leftMs / 1000) }),
    ...(doing === undefined ? {} : { doing }),
    canCancel,
    startedAt: iso(startedAt),
    ...(end ? { end: { ...end, at: iso(end.at) } } : {}),
  }
}
