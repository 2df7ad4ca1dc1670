/** A timeline as it grows: pure. */
import type { TimelineEntry } from '../../schema/machine.ts'

/** In the order they were written down; an entry that came both ways is there once. */
export function withEntries(before: readonly TimelineEntry[], more: readonly TimelineEntry[]): TimelineEntry[] {
  const known = new Set(before.map(({ seq }) => seq))
  const fresh = more.filter(({ seq }) => seq === undefined || !known.has(seq))
  return [...before, ...fresh].toSorted((a, b) => (a.seq ?? Infinity) - (b.seq ?? Infinity))
}
