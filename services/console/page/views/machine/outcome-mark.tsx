/** How an attempt ended, or how it stands: a sign and a word. */
import { Icon } from '../../parts/icon.tsx'
import { StateMark } from '../../parts/state-mark.tsx'
import type { Outcome } from '../../timeline/attempts.ts'

export function OutcomeMark({ outcome: { word, note } }: { outcome: Outcome }) {
  return (
    <>
      {word === 'superseded' ? (
        <span class="state is-held">
          <Icon name="back" />
          {word}
        </span>
      ) : (
        <StateMark state={word} />
      )}
      {note && <span class="dim">({note})</span>}
    </>
  )
}
