/**
 * Which of the shown machines are drawn. Of some thousands all, so that the browser's own search finds any: a screenful at once, the rest in steps, so that
 * nothing holds up the first. Of more, those around what is looked at, and gaps as high as the rest would be.
 */
import { batch, computed, effect, signal } from '@preact/signals'
import { shown } from '../store/shown.ts'

/** More than a large screen has room for. */
const FIRST = 60
const STEP = 60
/** Every machine is some twenty elements: with ten thousand of them each click took a second. */
const ALL_DRAWN_MOST = 2000
/** Several screens of rows, and as much of tiles. */
const AROUND = 240
/** Of what is drawn: nearer to its end than that, and other machines are drawn. */
const NEAR_END = 1 / 4

const limit = signal(FIRST)
/** Of the shown machines, the first that is drawn where not all are. */
const begin = signal(0)
/** Pixels, as the lines that are drawn have them. */
const lineHeight = signal(36)
const columns = signal(1)

export type Drawn = {
  ids: readonly string[]
  /** How many are before the first of them; undefined where all are drawn, sooner or later. */
  before?: number
  /** Of the gaps, pixels. */
  gaps?: { before: number; after: number }
}

const heightOf = (machines: number): number => Math.ceil(machines / columns.value) * lineHeight.value

export const drawn = computed<Drawn>(() => {
  const ids = shown.value
  if (ids.length > ALL_DRAWN_MOST) {
    const before = Math.min(begin.value, Math.max(0, ids.length - AROUND))
    const some = ids.slice(before, before + Math.min(AROUND, limit.value))
    return {
      ids: some,
      before,
      gaps: { before: heightOf(before), after: heightOf(ids.length - before - some.length) },
    }
  }
  return { ids: ids.length <= limit.value ? ids : ids.slice(0, limit.value) }
})

function drawAround(index: number): void {
  const lines = Math.floor(Math.max(0, index - AROUND / 2) / columns.peek())
  begin.value = lines * columns.peek()
}

/** At once, this one: somebody jumps there. */
export function drawUpTo(index: number): void {
  batch(() => {
    if (shown.peek().length > ALL_DRAWN_MOST) drawAround(index)
    else limit.value = Math.max(limit.peek(), index + 1)
  })
}

/** Draws on while the list is on the page. @returns what ends that */
export function growDrawn(): () => void {
  let before = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = effect(() => {
    const { length } = shown.value
    // A filter that is taken away brings back many at once.
    if (length > before + STEP) limit.value = FIRST
    before = length
    clearTimeout(timer)
    const most = length > ALL_DRAWN_MOST ? AROUND : length
    if (limit.value < most) timer = setTimeout(() => (limit.value += STEP))
  })
  return () => {
    end()
    clearTimeout(timer)
  }
}

/** Tiles stand side by side: as many as begin at one height. */
export function columnsOf(tiles: readonly HTMLElement[]): number {
  const isBelow = tiles.findIndex(tile => tile.offsetTop !== tiles[0]!.offsetTop)
  return isBelow < 0 ? Math.max(1, tiles.length) : isBelow
}

/** Measures what is drawn, and draws others where the window has come near the end of it. */
function look(list: HTMLElement): void {
  const { before, ids } = drawn.peek()
  if (before === undefined) return
  const items = Array.from(list.querySelectorAll<HTMLElement>('[data-one]'))
  const [first, last] = [items[0], items.at(-1)]
  if (!first || !last) return
  const across = columnsOf(items)
  const top = first.getBoundingClientRect().top
  const height = (last.getBoundingClientRect().bottom - top) / Math.ceil(items.length / across)
  const near = ids.length * NEAR_END
  const at = (pixels: number): number => before + Math.floor((pixels - top) / height) * across
  const [seen, seenLast] = [at(0), at(innerHeight)]
  const isNear = (seen < before + near && before > 0) || seenLast > before + ids.length - near
  batch(() => {
    if (Math.abs(height - lineHeight.peek()) > 1) lineHeight.value = height
    columns.value = across
    if (isNear) drawAround(Math.max(0, Math.min(shown.peek().length - 1, Math.floor((seen + seenLast) / 2))))
  })
}

/** Follows what is looked at while the list is on the page. @returns what ends that */
export function followWindow(list: HTMLElement): () => void {
  let frame: number | undefined
  const soon = (): void => {
    frame ??= requestAnimationFrame(() => {
      frame = undefined
      look(list)
    })
  }
  const end = effect(() => {
    // What is drawn now may be of another height, and other machines may be where the window is.
    void drawn.value
    soon()
  })
  addEventListener('scroll', soon, { passive: true })
  addEventListener('resize', soon)
  return () => {
    end()
    removeEventListener('scroll', soon)
    removeEventListener('resize', soon)
    if (frame !== undefined) cancelAnimationFrame(frame)
  }
}
