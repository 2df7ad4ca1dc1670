/** How long ago, or how long still, ticking. Only its text node changes, and only when the text does. */
import { useComputed } from '@preact/signals'
import { secondsSince, secondsUntil } from '../store/clock.ts'
import { age, duration } from '../words/quantities.ts'

const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' })
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' })

/** An instant in full, in this browser's time zone. */
export function inFull(iso: string): string {
  return FULL.format(new Date(iso))
}

/** Its time of day alone. */
export function timeOfDay(iso: string): string {
  return TIME.format(new Date(iso))
}

function Ticking({ at }: { at: string }) {
  const text = useComputed(() => age(secondsSince(at)))
  return <>{text}</>
}

export function Age({ at, suffix = '' }: { at: string; suffix?: string }) {
  return (
    <time dateTime={at} title={inFull(at)}>
      <Ticking key={at} at={at} />
      {suffix}
    </time>
  )
}

/** `12 min 3 s`, counting down to nothing. */
export function Remaining({ until }: { until: string }) {
  const text = useComputed(() => duration(secondsUntil(until)))
  return (
    <time dateTime={until} title={inFull(until)}>
      {text}
    </time>
  )
}
