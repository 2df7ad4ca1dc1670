/** Medians, percentiles, and the search for the highest rate that still works. Pure. */

export function medianOf(values: readonly number[]): number {
  return percentileOf(values, 50)
}

/** The smallest value that at least that part (in percent) of all values does not exceed; NaN of nothing. */
export function percentileOf(values: readonly number[], percent: number): number {
  const sorted = Float64Array.from(values).sort()
  const rank = Math.ceil((percent / 100) * sorted.length)
  return sorted[Math.max(rank, 1) - 1] ?? Number.NaN
}

/** Where a search starts, what it grows by, and how close it comes. */
export type Search = { from: number; most: number; steps: number }

const GROWTH = 1.5

/**
 * The highest rate that passes: up by half while it passes (down while it does not), then `steps` times into the middle of what is left.
 * A rate that fails is asked once more before it counts, since a busy machine fails now and then. 0 if nothing passes.
 */
export async function searchRate(search: Search, passes: (rate: number) => Promise<boolean>): Promise<number> {
  const passesTwice = async (rate: number): Promise<boolean> => (await passes(rate)) || passes(rate)
  let good = 0
  let bad = Number.POSITIVE_INFINITY
  for (let rate = search.from; rate >= 1 && rate <= search.most; rate = Math.round(good ? rate * GROWTH : rate / 2)) {
    if (await passesTwice(rate)) good = rate
    else bad = rate
    if (good > 0 && bad < Number.POSITIVE_INFINITY) break
  }
  if (bad === Number.POSITIVE_INFINITY) return good
  for (let step = 0; step < search.steps && good > 0; step++) {
    const middle = Math.round((good + bad) / 2)
    if (await passesTwice(middle)) good = middle
    else bad = middle
  }
  return good
}
