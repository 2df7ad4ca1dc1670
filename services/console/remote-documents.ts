/** What machines said of themselves, from a running appliance, through its control socket. */
import type { Documents } from './documents.ts'
import { askJson, type ControlSocket } from './remote-fleet.ts'
import type { DevicesView, SystemInformationView } from './schema/document.ts'

export function remoteDocuments(socket: ControlSocket): Documents {
  const path = (query: string, what: string): string => `/api/v1/machines/${encodeURIComponent(query)}/${what}`
  return {
    systemInformation: query => askJson<SystemInformationView>(socket, 'GET', path(query, 'system-information')),
    devices: query => askJson<DevicesView>(socket, 'GET', path(query, 'devices')),
    close: async () => {},
  }
}
