/** A state: a sign and a word, and only then a colour. */
import { MEANINGS, type State } from '../words/state-words.ts'
import { Icon } from './icon.tsx'

export function StateMark({ state }: { state: State }) {
  return (
    <span class={`state is-${state}`} title={MEANINGS[state]}>
      <Icon name={state} />
      {state}
    </span>
  )
}
