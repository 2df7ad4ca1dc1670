/** The machines of the rack, as rows or as tiles. */
import { useEffect } from 'preact/hooks'
import type { Sort } from '../store/choice.ts'
import { machines } from '../store/live.ts'
import { select, selected } from '../store/orders.ts'
import { change, choice, shown } from '../store/shown.ts'
import { Icon } from './icon.tsx'
import { drawn, growDrawn } from './drawn.ts'
import { onKey } from './rack-keys.ts'
import { Row, Tile } from './rack-machine.tsx'

const COLUMNS: { title: string; part: string; sort?: Sort }[] = [
  { title: 'Machine', part: 'name', sort: 'name' },
  { title: 'State', part: 'state', sort: 'state' },
  { title: 'Now', part: 'doing', sort: 'progress' },
  { title: 'MAC', part: 'mac' },
  { title: 'Serial', part: 'serial' },
  { title: 'Heard', part: 'heard', sort: 'heard' },
]

function Heading({ title, part, sort }: (typeof COLUMNS)[number]) {
  const { value } = choice
  const isSorted = sort !== undefined && value.sort === sort
  const order = value.descending ? 'descending' : 'ascending'
  return (
    <div role="columnheader" class={`cell-${part}`} aria-sort={isSorted ? order : undefined}>
      {sort ? (
        <button
          type="button"
          class="plain"
          onClick={() => change({ sort, descending: isSorted ? !value.descending : false })}
        >
          {title}
          {isSorted && <Icon name={value.descending ? 'down' : 'up'} />}
        </button>
      ) : (
        title
      )}
    </div>
  )
}

export function SelectAll({ text }: { text?: string }) {
  const ids = shown.value
  const chosen = ids.filter(id => selected.value.has(id)).length
  return (
    <label class="box">
      <input
        type="checkbox"
        aria-label="Select all that are shown"
        checked={chosen > 0 && chosen === ids.length}
        indeterminate={chosen > 0 && chosen < ids.length}
        onChange={event => select(ids, event.currentTarget.checked)}
      />
      {text}
    </label>
  )
}

function Rows() {
  return (
    <div
      class="rows"
      role="grid"
      aria-label="Machines"
      aria-multiselectable="true"
      aria-rowcount={shown.value.length + 1}
      onKeyDown={onKey}
    >
      <div role="rowgroup" class="row-head">
        <div role="row" class="row">
          <div role="columnheader" class="cell-select">
            <SelectAll />
          </div>
          {COLUMNS.map(column => (
            <Heading key={column.part} {...column} />
          ))}
        </div>
      </div>
      <div role="rowgroup">
        {drawn.value.map(id => (
          <Row key={id} id={id} machine={machines.peek().get(id)!} />
        ))}
      </div>
    </div>
  )
}

function Tiles() {
  return (
    <ul class="tiles" aria-label="Machines" onKeyDown={onKey}>
      {drawn.value.map(id => (
        <Tile key={id} id={id} machine={machines.peek().get(id)!} />
      ))}
    </ul>
  )
}

export function RackList() {
  useEffect(growDrawn, [])
  return choice.value.layout === 'tiles' ? <Tiles /> : <Rows />
}
