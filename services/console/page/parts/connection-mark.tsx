/** Whether what is shown is true now, and since when not. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { now } from '../store/clock.ts'
import { connection, live } from '../store/live.ts'
import { age } from '../words/quantities.ts'
import { Icon } from './icon.tsx'

function Since({ since }: { since: number }) {
  void now.value
  return <>{age((Date.now() - since) / 1000)}</>
}

/** What is broken for a moment only is not worth a word to somebody who listens. */
const WORTH_SAYING_MS = 5000

function Spoken() {
  const text = useSignal('')
  useSignalEffect(() => {
    const { kind } = connection.value
    const timer = setTimeout(() => {
      if (kind === 'reconnecting') text.value = 'Connection lost; what is shown may be old'
      else if (text.peek() !== '') text.value = 'Connected again'
    }, WORTH_SAYING_MS)
    return () => clearTimeout(timer)
  })
  return (
    <span class="hidden" role="status">
      {text}
    </span>
  )
}

export function ConnectionMark() {
  const { value } = connection
  return (
    <>
      <span class={`connection is-${value.kind}`}>
        <Icon name={value.kind === 'live' ? 'live' : 'broken'} />
        {value.kind === 'live' && 'Live'}
        {value.kind === 'connecting' && 'Connecting'}
        {value.kind === 'signed-out' && 'Signed out'}
        {value.kind === 'reconnecting' && (
          <>
            <span>
              Reconnecting, <Since since={value.since} />
            </span>
            <button type="button" class="small" onClick={() => live.retry()}>
              Now
            </button>
          </>
        )}
      </span>
      <Spoken />
    </>
  )
}
