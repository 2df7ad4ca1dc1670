/** Explanations by a running appliance, through its control socket. */
import type { Explainer } from './explain.ts'
import { askJson, type ControlSocket } from './remote-fleet.ts'
import type { Explanation } from './schema/explanation.ts'

export function remoteExplainer(socket: ControlSocket): Explainer {
  const machine = (query: string): string => `/api/v1/machines/${encodeURIComponent(query)}`
  return {
    explain(query, posted, profile) {
      const about = new URLSearchParams(profile === undefined ? {} : { profile })
      if (!posted) return askJson<Explanation>(socket, 'GET', `${machine(query ?? '')}/explanation?${about.toString()}`)
      if (query !== undefined) about.set('machine', query)
      return askJson<Explanation>(socket, 'POST', `/api/v1/explanation?${about.toString()}`, posted)
    },
    reveal: query => askJson<Explanation>(socket, 'POST', `${machine(query)}/reveal`),
    close: async () => {},
  }
}
