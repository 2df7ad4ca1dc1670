/** The machines of the rack, as rows or as tiles: one component for each machine, repainted by its own news only. */
import { type Signal, useComputed } from '@preact/signals'
import type { MachineView } from '../../machine-view.ts'
import { machinePath } from '../paths.ts'
import { machines } from '../store/live.ts'
import { select, selected } from '../store/orders.ts'
import { change, choice, shown } from '../store/shown.ts'
import type { Sort } from '../store/choice.ts'
import { progressInWords } from '../words/state-words.ts'
import { Age } from './age.tsx'
import { Doing } from './doing.tsx'
import { Icon } from './icon.tsx'
import { ProgressBar } from './progress-bar.tsx'
import { clickBox, current, makeCurrent, onKey } from './rack-keys.ts'
import { StateMark } from './state-mark.tsx'

type OneProps = { id: string; machine: Signal<MachineView> }

function SelectBox({ id, name }: { id: string; name: string }) {
  const isSelected = useComputed(() => selected.value.has(id))
  const tabIndex = useComputed(() => (current.value === id ? 0 : -1))
  return (
    <label class="box">
      <input
        type="checkbox"
        aria-label={`Select ${name}`}
        checked={isSelected}
        tabIndex={tabIndex}
        onClick={event => clickBox(id, event.shiftKey)}
      />
    </label>
  )
}

function NameLink({ id, name }: { id: string; name: string }) {
  const tabIndex = useComputed(() => (current.value === id ? 0 : -1))
  return (
    <a href={machinePath(id)} data-machine={id} class="name" tabIndex={tabIndex} onFocus={() => makeCurrent(id)}>
      {name}
    </a>
  )
}

function Row({ id, machine }: OneProps) {
  const isSelected = useComputed(() => selected.value.has(id))
  const view = machine.value
  const { name, state, macs, serial, heardAt } = view
  const more = macs.length > 1 ? ` +${macs.length - 1}` : ''
  return (
    <div role="row" class={`row is-${state}`} aria-selected={isSelected}>
      <div role="gridcell" class="cell-select">
        <SelectBox id={id} name={name} />
      </div>
      <div role="gridcell" class="cell-name">
        <NameLink id={id} name={name} />
      </div>
      <div role="gridcell" class="cell-state">
        <StateMark state={state} />
      </div>
      <div role="gridcell" class="cell-doing">
        <Doing machine={view} />
      </div>
      <div role="gridcell" class="cell-mac mono" title={macs.join(', ')}>
        {macs[0]}
        {more}
      </div>
      <div role="gridcell" class="cell-serial mono" title={view.product}>
        {serial}
      </div>
      <div role="gridcell" class="cell-heard number">
        <Age at={heardAt} />
      </div>
    </div>
  )
}

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
        {shown.value.map(id => (
          <Row key={id} id={id} machine={machines.peek().get(id)!} />
        ))}
      </div>
    </div>
  )
}

function Tile({ id, machine }: OneProps) {
  const isSelected = useComputed(() => (selected.value.has(id) ? 'tile is-selected' : 'tile'))
  const view = machine.value
  const { name, state, progress, reason, heardAt } = view
  const words = progress && !reason ? progressInWords(progress) : undefined
  return (
    <li class={isSelected}>
      <div class={`tile-in is-${state}`}>
        <NameLink id={id} name={name} />
        <SelectBox id={id} name={name} />
        <StateMark state={state} />
        <span class="tile-heard number dim">
          <Age at={heardAt} />
        </span>
        {words ? (
          <span class="tile-doing">
            <ProgressBar percent={words.percent} label={`${words.file} sent to ${name}`} />
            <span class="number">{words.percent} %</span>
          </span>
        ) : (
          <span class="tile-doing" title={reason}>
            <span class="reason">{reason}</span>
          </span>
        )}
      </div>
    </li>
  )
}

function Tiles() {
  return (
    <ul class="tiles" aria-label="Machines" onKeyDown={onKey}>
      {shown.value.map(id => (
        <Tile key={id} id={id} machine={machines.peek().get(id)!} />
      ))}
    </ul>
  )
}

export function RackList() {
  return choice.value.layout === 'tiles' ? <Tiles /> : <Rows />
}
