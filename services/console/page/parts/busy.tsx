/** It can't be said how far it is; that it goes on, and since when, can. */
import { useComputed } from '@preact/signals'
import { now } from '../store/clock.ts'
import { duration } from '../words/quantities.ts'

/** @param since by this computer */
export function Busy({ since, text }: { since: string; text: string }) {
  const length = useComputed(() => {
    void now.value
    return duration((Date.now() - Date.parse(since)) / 1000)
  })
  return (
    <p role="status" class="busy">
      <span class="progress is-busy" aria-hidden="true">
        <span />
      </span>{' '}
      {text} <span aria-hidden="true">{length}</span>
    </p>
  )
}
