/** Which machines the rack shows, and in which order, kept in the address bar. */
import { computed, effect, signal } from '@preact/signals'
import { place, replaceQuery } from '../router.ts'
import { type Choice, choose, fromQuery, toQuery } from './choice.ts'
import { now } from './clock.ts'
import { changes, views } from './live.ts'

export const choice = signal<Choice>(fromQuery(location.search))

export function change(part: Partial<Choice>): void {
  choice.value = { ...choice.peek(), ...part }
}

/** A link, or a step back, may bring another choice with it. */
export function startShown(): void {
  effect(() => {
    if (place.value?.path === '/') choice.value = fromQuery(location.search)
  })
  effect(() => {
    const query = toQuery(choice.value)
    if (place.peek()?.path === '/') replaceQuery(query)
  })
}

/** Rows that are sorted by what changes all the time move this often, and not under the finger. */
const RESORT_MS = 5000

const resort = computed(() =>
  choice.value.sort === 'progress' || choice.value.sort === 'heard' ? Math.floor(now.value / RESORT_MS) : 0,
)

let latest: readonly string[] = []

/** Ids. The same list as before, unless something in it moved: an event then repaints its own row and no list. */
export const shown = computed<readonly string[]>(() => {
  void changes.value
  void resort.value
  const ids = choose(views(), choice.value)
  const isSame = ids.length === latest.length && ids.every((id, index) => id === latest[index])
  if (!isSame) latest = ids
  return latest
})
