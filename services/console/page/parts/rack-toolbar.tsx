/** What the rack shows: how many in each state, what to look for, in which order, as rows or tiles. */
import { type Choice, type Group, LAYOUTS, type Sort, SORTS } from '../store/choice.ts'
import { counts } from '../store/live.ts'
import { change, choice, shown } from '../store/shown.ts'
import { MEANINGS, STATES } from '../words/state-words.ts'
import { Icon, type IconName } from './icon.tsx'
import { SelectAll } from './rack-list.tsx'

type ChipProps = { group: Group | undefined; text: string; title: string; icon?: IconName }

function Chip({ group, text, title, icon }: ChipProps) {
  const count = counts.value[group ?? 'all']
  const isOn = choice.value.group === group
  if (count === 0 && !isOn && group !== undefined) return null
  return (
    <button
      type="button"
      class={`chip is-${group ?? 'all'}`}
      aria-pressed={isOn}
      title={title}
      onClick={() => change({ group: isOn ? undefined : group })}
    >
      {icon && <Icon name={icon} />}
      {text} <b>{count}</b>
    </button>
  )
}

function Chips() {
  return (
    <div class="chips" role="group" aria-label="Show by state">
      <Chip group={undefined} text="All" title="every machine that was ever seen" />
      <Chip
        group="attention"
        text="Need attention"
        icon="attention"
        title="failed, stalled, going in circles, or with the identity of another machine"
      />
      {STATES.map(state => (
        <Chip key={state} group={state} text={state} icon={state} title={MEANINGS[state]} />
      ))}
    </div>
  )
}

const SORT_WORDS: Record<Sort, string> = {
  name: 'name',
  state: 'state',
  progress: 'progress',
  heard: 'last heard',
}

const LAYOUT_WORDS: Record<Choice['layout'], string> = { rows: 'Rows', tiles: 'Tiles' }

export function RackToolbar() {
  const { text, sort, layout } = choice.value
  return (
    <div class="toolbar" role="search" aria-label="Machines">
      <Chips />
      <div class="toolbar-line">
        <label class="search">
          <Icon name="search" />
          <span class="hidden">Filter by name, MAC, serial, address</span>
          <input
            type="search"
            placeholder="Name, MAC, serial, address…"
            value={text}
            onInput={event => change({ text: event.currentTarget.value })}
            spellcheck={false}
            autocapitalize="none"
          />
        </label>
        <span class="hidden" role="status">
          {shown.value.length} shown
        </span>
        <span class="compact-only">
          <SelectAll text="Select all" />
        </span>
        <label class="sort">
          <span>Sort by</span>
          <select
            aria-label="Sort by"
            value={sort}
            onChange={event => change({ sort: event.currentTarget.value as Sort, descending: false })}
          >
            {SORTS.map(word => (
              <option key={word} value={word}>
                {SORT_WORDS[word]}
              </option>
            ))}
          </select>
        </label>
        <div class="switch" role="group" aria-label="Layout">
          {LAYOUTS.map(word => (
            <button
              key={word}
              type="button"
              aria-pressed={layout === word}
              title={LAYOUT_WORDS[word]}
              onClick={() => change({ layout: word })}
            >
              <Icon name={word} />
              <span class="hidden">{LAYOUT_WORDS[word]}</span>
            </button>
          ))}
        </div>
      </div>
    </div>
  )
}
