/** Random root passwords of a running appliance, through its control socket. */
import type { PasswordDesk, ShownPassword } from './passwords.ts'
import { askJson } from './remote-fleet.ts'

export function remotePasswords(socketPath: string): PasswordDesk {
  return {
    show: (query, by) =>
      askJson<ShownPassword>(socketPath, 'POST', `/api/v1/machines/${encodeURIComponent(query)}/password`, { by }),
    close: async () => {},
  }
}
