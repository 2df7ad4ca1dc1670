/** One machine of the rack, as a row or as a tile. What moves all the time, progress and age, repaints by itself; the rest waits for news. */
import { type ReadonlySignal, useComputed } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { MachineView } from '../../schema/machine.ts'
import { machinePath } from '../paths.ts'
import { secondsSince } from '../store/clock.ts'
import { isSameButProgress } from '../store/fleet.ts'
import { selected } from '../store/orders.ts'
import { age } from '../words/quantities.ts'
import { progressInWords } from '../words/state-words.ts'
import { Doing } from './doing.tsx'
import { ProgressBar } from './progress-bar.tsx'
import { clickBox, current, makeCurrent } from './rack-keys.ts'
import { StateMark } from './state-mark.tsx'

type OneProps = { id: string; machine: ReadonlySignal<MachineView> }

/** The machine without what moves all the time: as it was when something else changed last. */
function useStill(machine: ReadonlySignal<MachineView>): MachineView {
  const latest = useRef(machine.peek())
  return useComputed(() => {
    if (!isSameButProgress(latest.current, machine.value)) latest.current = machine.value
    return latest.current
  }).value
}

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
    <a
      href={machinePath(id)}
      data-machine={id}
      class={name === id ? 'name is-mac' : 'name'}
      tabIndex={tabIndex}
      onFocus={() => makeCurrent(id)}
    >
      {name}
    </a>
  )
}

function Heard({ machine }: Pick<OneProps, 'machine'>) {
  const text = useComputed(() => age(secondsSince(machine.value.heardAt)))
  return <>{text}</>
}

/** @param index of the row in the whole table, where not all of it is drawn */
export function Row({ id, machine, index }: OneProps & { index?: number | undefined }) {
  const isSelected = useComputed(() => selected.value.has(id))
  const { name, state, macs, serial, product } = useStill(machine)
  return (
    <div role="row" class={`row is-${state}`} aria-selected={isSelected} aria-rowindex={index} data-one="">
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
        <Doing machine={machine} />
      </div>
      <div role="gridcell" class="cell-mac mono" title={macs.join(', ')}>
        {macs[0]}
        {macs.length > 1 ? ` +${macs.length - 1}` : ''}
      </div>
      <div role="gridcell" class="cell-serial mono" title={product}>
        {serial}
      </div>
      <div role="gridcell" class="cell-heard number">
        <Heard machine={machine} />
      </div>
    </div>
  )
}

function TileDoing({ machine }: Pick<OneProps, 'machine'>) {
  const { name, progress, reason } = machine.value
  if (!progress || reason)
    return (
      <span class="tile-doing" title={reason}>
        <span class="reason">{reason}</span>
      </span>
    )
  const words = progressInWords(progress)
  return (
    <span class="tile-doing">
      <ProgressBar percent={words.percent} label={`${words.file} sent to ${name}`} />
      <span class="number">{words.percent} %</span>
    </span>
  )
}

/** @param place in the whole list, where not all of it is drawn */
export function Tile({ id, machine, place }: OneProps & { place?: { at: number; of: number } }) {
  const tileClass = useComputed(() => (selected.value.has(id) ? 'tile is-selected' : 'tile'))
  const { name, state } = useStill(machine)
  return (
    <li class={tileClass} aria-posinset={place?.at} aria-setsize={place?.of} data-one="">
      <div class={`tile-in is-${state}`}>
        <NameLink id={id} name={name} />
        <SelectBox id={id} name={name} />
        <StateMark state={state} />
        <span class="tile-heard number dim">
          <Heard machine={machine} />
        </span>
        <TileDoing machine={machine} />
      </div>
    </li>
  )
}
