/** The leases of a running appliance, through its control socket. */
import type { Leases } from './leases.ts'
import { askAll, askJson, type ControlSocket } from './remote-fleet.ts'
import type { LeaseView } from './schema/lease.ts'

export function remoteLeases(socket: ControlSocket): Omit<Leases, 'page'> {
  return {
    list: () => askAll<LeaseView>(socket, '/api/v1/leases', ({ address }) => address),
    release: (query, { force }) =>
      askJson<LeaseView>(
        socket,
        'POST',
        `/api/v1/leases/${encodeURIComponent(query)}/release${force ? '?force=true' : ''}`,
      ),
    close: async () => {},
  }
}
