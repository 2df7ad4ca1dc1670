/** What machines said of themselves, from a running appliance, through its control socket. */
import type { DevicesView, Documents, SystemInformationView } from './documents.ts'
import { askJson } from './remote-fleet.ts'

export function remoteDocuments(socketPath: string): Documents {
  const path = (query: string, what: string): string => `/api/v1/machines/${encodeURIComponent(query)}/${what}`
  return {
    systemInformation: query => askJson<SystemInformationView>(socketPath, 'GET', path(query, 'system-information')),
    devices: query => askJson<DevicesView>(socketPath, 'GET', path(query, 'devices')),
    close: async () => {},
  }
}
