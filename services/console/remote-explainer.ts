/** Explanations by a running appliance, through its control socket. */
import type { Explainer } from './explain.ts'
import type { Explanation } from './explanation.ts'
import { askJson } from './remote-fleet.ts'

export function remoteExplainer(socketPath: string): Explainer {
  const machine = (query: string): string => `/api/v1/machines/${encodeURIComponent(query)}`
  return {
    explain(query, posted) {
      if (!posted) return askJson<Explanation>(socketPath, 'GET', `${machine(query ?? '')}/explanation`)
      const about = query === undefined ? '' : `?machine=${encodeURIComponent(query)}`
      return askJson<Explanation>(socketPath, 'POST', `/api/v1/explanation${about}`, posted)
    },
    reveal: (query, by) => askJson<Explanation>(socketPath, 'POST', `${machine(query)}/reveal`, { by }),
    close: async () => {},
  }
}
