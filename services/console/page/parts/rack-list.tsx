/** The machines of the rack, as rows or as tiles. */
import { useEffect, useRef } from 'preact/hooks'
import type { Sort } from '../store/choice.ts'
import { machines } from '../store/live.ts'
import { select, selected } from '../store/orders.ts'
import { change, choice, shown } from '../store/shown.ts'
import { Icon } from './icon.tsx'
import { drawn, followWindow, growDrawn } from './drawn.ts'
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

/** For a list that may be too long to be drawn. */
function useFollowed<T extends HTMLElement>() {
  const list = useRef<T>(null)
  useEffect(() => followWindow(list.current!), [])
  return list
}

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

/** Row 1 is that of the headings. */
const rowIndexOf = (before: number | undefined, at: number): number | undefined =>
  before === undefined ? undefined : before + at + 2

function Rows() {
  const { ids, before, gaps } = drawn.value
  const list = useFollowed<HTMLDivElement>()
  return (
    <div
      ref={list}
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
        {gaps && <div key="before" role="presentation" style={{ height: `${gaps.before}px` }} />}
        {ids.map((id, at) => (
          <Row key={id} id={id} machine={machines.peek().get(id)!} index={rowIndexOf(before, at)} />
        ))}
        {gaps && <div key="after" role="presentation" style={{ height: `${gaps.after}px` }} />}
      </div>
    </div>
  )
}

function Tiles() {
  const { ids, before, gaps } = drawn.value
  const list = useFollowed<HTMLUListElement>()
  const { length } = shown.value
  return (
    <ul ref={list} class="tiles" aria-label="Machines" onKeyDown={onKey}>
      {gaps && <li key="before" role="presentation" class="tiles-gap" style={{ height: `${gaps.before}px` }} />}
      {ids.map((id, at) => (
        <Tile
          key={id}
          id={id}
          machine={machines.peek().get(id)!}
          {...(before === undefined ? {} : { place: { at: before + at + 1, of: length } })}
        />
      ))}
      {gaps && <li key="after" role="presentation" class="tiles-gap" style={{ height: `${gaps.after}px` }} />}
    </ul>
  )
}

export function RackList() {
  useEffect(growDrawn, [])
  return choice.value.layout === 'tiles' ? <Tiles /> : <Rows />
}
