/** The leases of a running appliance, through its control socket. */
import { isProblem } from '../kit/is-problem.ts'
import type { LeaseView } from './lease-view.ts'
import type { Leases } from './leases.ts'
import { askJson } from './remote-fleet.ts'

export function remoteLeases(socketPath: string): Leases {
  return {
    async list() {
      const views = await askJson<LeaseView[]>(socketPath, 'GET', '/api/v1/leases')
      return isProblem(views) ? [] : views
    },
    release: (query, { force } = { force: false }) =>
      askJson<LeaseView>(
        socketPath,
        'POST',
        `/api/v1/leases/${encodeURIComponent(query)}/release${force ? '?force=true' : ''}`,
      ),
    close: async () => {},
  }
}
