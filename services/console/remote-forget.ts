/** Forgetting machines of a running appliance, through its control socket. */
import type { Forgetting } from './forget.ts'
import { askJson, type ControlSocket } from './remote-fleet.ts'
import type { ForgottenView } from './schema/forget.ts'

export function remoteForgetting(socket: ControlSocket): Forgetting {
  return {
    forget: (query, { force }) =>
      askJson<ForgottenView>(socket, 'POST', `/api/v1/machines/${encodeURIComponent(query)}/forget`, { force }),
    close: async () => {},
  }
}
