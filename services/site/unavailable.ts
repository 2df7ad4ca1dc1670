/** What a site may ask for and this version does not have: told by `check` and before serving, never dropped in silence. */
import type { Problem } from '../kit/problem.ts'
import type { Site } from './types.ts'

/** Errors keep the appliance from serving; warnings are things that it will not do. */
export function unavailable(site: Site): Problem[] {
  const problems: Problem[] = []
  if (site.store.url !== 'sqlite') {
    problems.push({
      code: 'store-unavailable',
      message: 'store.url names PostgreSQL, which is not available in this version',
      hint: 'set store.url to "sqlite"',
      severity: 'error',
    })
  }
  return problems
}
