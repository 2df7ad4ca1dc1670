/** What may be there once only (M03). */
import { shown, wrong, type Finding, type Path } from './finding.ts'

/** Values with their places; absent ones are passed over. */
export type Entries = [string | undefined, Path][]

/** M03: the second of two equal values, with the line of the first. */
export function repeats(entries: Entries, what: string): Finding[] {
  const seen = new Map<string, Path>()
  return entries.flatMap(([value, path]) => {
    if (value === undefined) return []
    const other = seen.get(value)
    if (!other) {
      seen.set(value, path)
      return []
    }
    return [{ ...wrong('duplicate', path, `${what} ${shown(value)} is there twice`, 'give each its own'), other }]
  })
}
