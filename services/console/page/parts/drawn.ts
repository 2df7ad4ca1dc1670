/** Which of the shown machines are drawn already: a screenful at once, the rest in steps, so that a thousand never hold up the first. */
import { computed, effect, signal } from '@preact/signals'
import { shown } from '../store/shown.ts'

/** More than a large screen has room for. */
const FIRST = 60
const STEP = 60

const limit = signal(FIRST)

export const drawn = computed<readonly string[]>(() => {
  const ids = shown.value
  return ids.length <= limit.value ? ids : ids.slice(0, limit.value)
})

/** At once, up to this one: somebody jumps there. */
export function drawUpTo(index: number): void {
  limit.value = Math.max(limit.peek(), index + 1)
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
    if (limit.value < length) timer = setTimeout(() => (limit.value += STEP))
  })
  return () => {
    end()
    clearTimeout(timer)
  }
}
