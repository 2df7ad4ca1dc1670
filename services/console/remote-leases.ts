/** The leases of a running appliance, through its control socket. */
import { isProblem } from '../kit/is-problem.ts'
import type { Leases } from './leases.ts'
import { askJson, type ControlSocket } from './remote-fleet.ts'
import type { LeaseView } from './schema/lease.ts'

export function remoteLeases(socket: ControlSocket): Leases {
  return {
    async list() {
      const views = await askJson<LeaseView[]>(socket, 'GET', '/api/v1/leases')
      return isProblem(views) ? [] : views
    },
    release: (query, { force }) =>
      askJson<LeaseView>(
        socket,
        'POST',
        `/api/v1/leases/${encodeURIComponent(query)}/release${force ? '?force=true' : ''}`,
      ),
    close: async () => {},
  }
}
