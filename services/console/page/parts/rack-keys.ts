/** The rack by keyboard: one machine is in the tab order, arrows move it, Space selects, Shift with arrows selects on the way. */
import { computed, signal } from '@preact/signals'
import { clearSelection, select, selected } from '../store/orders.ts'
import { columnsOf, drawUpTo } from './drawn.ts'
import { shown } from '../store/shown.ts'

const wanted = signal<string | undefined>(undefined)

/** The one that Tab reaches: where the focus was last, or the first that is shown. */
export const current = computed<string | undefined>(() => {
  const ids = shown.value
  return wanted.value !== undefined && ids.includes(wanted.value) ? wanted.value : ids[0]
})

export function makeCurrent(id: string): void {
  wanted.value = id
}

const isSelected = (id: string): boolean => selected.peek().has(id)

/** Where a range began: the last machine that was selected or unselected by itself. */
let anchor: string | undefined

function between(from: string, to: string): readonly string[] {
  const ids = shown.peek()
  const [first, last] = [ids.indexOf(from), ids.indexOf(to)].toSorted((a, b) => a - b)
  return first === undefined || last === undefined || first < 0 ? [to] : ids.slice(first, last + 1)
}

/** A click on a box: with Shift, everything from the last one on becomes what this one becomes. */
export function clickBox(id: string, isRange: boolean): void {
  const becomes = !isSelected(id)
  select(isRange && anchor !== undefined ? between(anchor, id) : [id], becomes)
  anchor = id
}

function linkOf(id: string): HTMLElement | null {
  return document.querySelector(`[data-machine="${CSS.escape(id)}"]`)
}

function focusOn(id: string): void {
  const link = linkOf(id)
  if (link) return link.focus()
  // Asked for first, so that it is done before anybody looks what is to be drawn where the window is now.
  requestAnimationFrame(() => linkOf(id)?.focus())
  drawUpTo(shown.peek().indexOf(id))
}

const PAGE_ROWS = 10

function targetOf(key: string, index: number, count: number, columns: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return index + columns
    case 'ArrowUp':
      return index - columns
    case 'ArrowRight':
      return columns > 1 ? index + 1 : undefined
    case 'ArrowLeft':
      return columns > 1 ? index - 1 : undefined
    case 'PageDown':
      return Math.min(count - 1, index + PAGE_ROWS * columns)
    case 'PageUp':
      return Math.max(0, index - PAGE_ROWS * columns)
    case 'Home':
      return 0
    case 'End':
      return count - 1
    default:
      return undefined
  }
}

function move(event: KeyboardEvent, list: HTMLElement, id: string): void {
  const ids = shown.peek()
  const columns = list.classList.contains('tiles')
    ? columnsOf(Array.from(list.querySelectorAll<HTMLElement>('.tile')))
    : 1
  const target = targetOf(event.key, ids.indexOf(id), ids.length, columns)
  const next = target === undefined ? undefined : ids[target]
  if (next === undefined) return
  event.preventDefault()
  if (event.shiftKey) {
    select([id, next], true)
    anchor = next
  }
  makeCurrent(next)
  focusOn(next)
}

/** For the list as a whole; what is pressed anywhere but on a machine's name is the browser's. */
export function onKey(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const id = (event.target as HTMLElement).dataset['machine']
  if (id === undefined || event.altKey || event.metaKey) return
  if (event.key === 'Escape') return clearSelection()
  if (event.ctrlKey) {
    if (event.key !== 'a') return
    event.preventDefault()
    return select(shown.peek(), true)
  }
  if (event.key !== ' ') return move(event, event.currentTarget, id)
  event.preventDefault()
  clickBox(id, event.shiftKey)
}
