/** The appliance's time, by this computer's clock: a laptop that is ten minutes off shows right ages all the same. */
import { signal } from '@preact/signals'

/** Milliseconds to add to this computer's time. */
const skew = signal(0)

/** The appliance's time, once a second; what shows an age reads it. */
export const now = signal(Date.now())

export function tellTime(serverNow: string, askedAt: number, heardAt: number): void {
  const then = Date.parse(serverNow)
  if (!Number.isNaN(then)) skew.value = then - (askedAt + heardAt) / 2
  now.value = Date.now() + skew.value
}

export function startClock(): void {
  setInterval(() => {
    // What nobody sees needs no repainting; the next look finds the right time within a second.
    if (document.visibilityState === 'visible') now.value = Date.now() + skew.value
  }, 1000)
}

/** Seconds since then, not below 0: what was heard this very moment may be ahead of the tick. */
export function secondsSince(iso: string): number {
  return Math.max(0, (now.value - Date.parse(iso)) / 1000)
}

/** Seconds until then, below 0 when it is over. */
export function secondsUntil(iso: string): number {
  return (Date.parse(iso) - now.value) / 1000
}
