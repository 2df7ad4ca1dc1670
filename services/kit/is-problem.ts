/** Tells a problem from the value that was hoped for. */
import type { Problem } from './problem.ts'

/** True for one problem; a list of problems or a value that was read is not one. */
export function isProblem(outcome: unknown): outcome is Problem {
  return (
    typeof outcome === 'object' && outcome !== null && 'code' in outcome && 'severity' in outcome && 'hint' in outcome
  )
}
