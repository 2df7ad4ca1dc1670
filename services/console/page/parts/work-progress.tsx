/** How far a piece of long work is, at what rate, and how much time is left: the bar, and the same in words. */
import { useComputed } from '@preact/signals'
import { now } from '../store/clock.ts'
import { type HeardWork, secondsLeftOf, workPercent } from '../store/work.ts'
import { duration, rate } from '../words/quantities.ts'
import { ProgressBar } from './progress-bar.tsx'

function TimeLeft({ heard }: { heard: HeardWork }) {
  const text = useComputed(() => {
    void now.value
    const seconds = secondsLeftOf(heard, Date.now())
    if (seconds === undefined) return ''
    return `${heard.work.unit === 'steps' ? 'at most ' : ''}${duration(seconds)} left`
  })
  return <span class="number">{text}</span>
}

export function WorkProgress({ heard, label }: { heard: HeardWork; label: string }) {
  const { work } = heard
  const { unit, done, total, perSecond, doing } = work
  return (
    <div class="work">
      <ProgressBar percent={workPercent(work)} label={label} />
      <span class="number">{unit === 'bytes' ? `${workPercent(work)} %` : `${done} of ${total}`}</span>
      {perSecond !== undefined && <span class="number dim">{rate(perSecond)}</span>}
      <span class="dim">
        <TimeLeft key={heard.heardAt} heard={heard} />
      </span>
      {doing && <span class="dim doing-now">{doing}</span>}
    </div>
  )
}
