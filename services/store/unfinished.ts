/** The mark of a restore that was cut off while it replaced one state by another: what lies there may be parts of two. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EnvironmentProblem } from '../kit/problem.ts'

export const UNFINISHED = 'restore.unfinished'

/** Throws EnvironmentProblem `store`. */
export function refuseHalfRestored(folder: string): void {
  if (!existsSync(join(folder, UNFINISHED))) return
  throw new EnvironmentProblem(
    'store',
    `a restore into ${folder} was cut off, so that parts of two states are there`,
    'repeat it: `rackrise restore FILE --force`; what was there before is in a folder before-restore-… below it',
  )
}
