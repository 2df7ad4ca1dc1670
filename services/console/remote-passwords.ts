/** Random root passwords of a running appliance, through its control socket. */
import type { PasswordDesk } from './passwords.ts'
import { askJson, type ControlSocket } from './remote-fleet.ts'
import type { ShownPassword } from './schema/document.ts'

export function remotePasswords(socket: ControlSocket): PasswordDesk {
  return {
    show: query => askJson<ShownPassword>(socket, 'POST', `/api/v1/machines/${encodeURIComponent(query)}/password`),
    close: async () => {},
  }
}
