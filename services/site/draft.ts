/** What can be read of a file with mistakes, so that it can be searched for more of them (M02). */
import type { z } from 'zod'
import { isTable } from './explain-issue.ts'
import type { Path } from './finding.ts'

/** A wrong value deep inside may cost the array around it, and that the table around it, and so on. */
const MOST_ROUNDS = 8

/**
 * Takes the wrong values out of `raw` until the rest can be read; what was taken is noted in `lost`, keys joined by dots.
 * Undefined if nothing readable is left. `schema` is one that does not insist on any key.
 */
export function readDraft<T>(schema: z.ZodType<T>, raw: Record<string, unknown>, lost: Set<string>): T | undefined {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const reading = schema.safeParse(raw)
    if (reading.success) return reading.data
    for (const issue of reading.error.issues) {
      const path = issue.path.filter(part => typeof part !== 'symbol')
      const paths = issue.code === 'unrecognized_keys' ? issue.keys.map(key => [...path, key]) : [path]
      for (const wrongPath of paths) takeOut(raw, wrongPath, lost)
    }
  }
  return undefined
}

/** Removes the deepest key of the path that is there; elements of arrays stay, so that the others keep their numbers. */
function takeOut(raw: Record<string, unknown>, path: Path, lost: Set<string>): void {
  let value: unknown = raw
  let deepest: { table: Record<string, unknown>; key: string; path: Path } | undefined
  for (const [at, part] of path.entries()) {
    if (isTable(value) && typeof part === 'string' && Object.hasOwn(value, part)) {
      deepest = { table: value, key: part, path: path.slice(0, at + 1) }
      value = value[part]
    } else if (Array.isArray(value) && typeof part === 'number') {
      value = value[part]
    } else break
  }
  if (!deepest) return
  delete deepest.table[deepest.key]
  lost.add(deepest.path.join('.'))
}

/** Whether that value, or a table around it, was taken out. */
export function isLost(lost: ReadonlySet<string>, dotted: string): boolean {
  const parts = dotted.split('.')
  return parts.some((_, at) => lost.has(parts.slice(0, at + 1).join('.')))
}
