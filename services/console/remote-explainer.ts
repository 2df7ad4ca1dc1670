/** Explanations by a running appliance, through its control socket. */
import type { Explainer } from './explain.ts'
import type { Explanation } from './explanation.ts'
import { askJson } from './remote-fleet.ts'

export function remoteExplainer(socketPath: string): Explainer {
  const machine = (query: string): string => `/api/v1/machines/${encodeURIComponent(query)}`
  return {
    explain(query, posted, profile) {
      const about = new URLSearchParams(profile === undefined ? {} : { profile })
      if (!posted)
        return askJson<Explanation>(socketPath, 'GET', `${machine(query ?? '')}/explanation?${about.toString()}`)
      if (query !== undefined) about.set('machine', query)
      return askJson<Explanation>(socketPath, 'POST', `/api/v1/explanation?${about.toString()}`, posted)
    },
    reveal: (query, by) => askJson<Explanation>(socketPath, 'POST', `${machine(query)}/reveal`, { by }),
    close: async () => {},
  }
}
