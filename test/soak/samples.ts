/** What is measured from outside while the day goes on, and what it comes to. Pure. */

/** Of one moment. */
export type Sample = {
  /** Milliseconds since the appliance was started. */
  at: number
  rss: number
  files: number
  /** The database with its log of writes. */
  database: number
}

const MS_PER_HOUR = 3_600_000
export const MIB = 1024 * 1024

/** By how much a value grows in an hour: the slope of the line with the least squares. 0 of fewer than two moments. */
export function growthPerHour(samples: readonly { at: number; value: number }[]): number {
  if (samples.length < 2) return 0
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [middle, level] = [mean(samples.map(({ at }) => at)), mean(samples.map(({ value }) => value))]
  const spread = samples.reduce((sum, { at }) => sum + (at - middle) ** 2, 0)
  if (spread === 0) return 0
  const together = samples.reduce((sum, { at, value }) => sum + (at - middle) * (value - level), 0)
  return (together / spread) * MS_PER_HOUR
}

/** The median, of an even number the upper one; NaN of nothing. */
export function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
