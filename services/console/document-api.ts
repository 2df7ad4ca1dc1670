/** Under `/api/v1/machines/:query`: the system information that a machine posted, and the devices that it reported. */
import type { ConsoleApp } from './app.ts'
import type { Documents } from './documents.ts'
import { devicesView, systemInformationView } from './schema/document.ts'
import { machineParams } from './schema/parts.ts'
import { problemSchema } from './schema/problem.ts'

export function addDocumentApi(app: ConsoleApp, documents: Omit<Documents, 'close'>): void {
  app.get(
    '/api/v1/machines/:query/system-information',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getSystemInformation',
        summary: 'What its installer posted when it asked for an answer, whole',
        tags: ['machines'],
        params: machineParams,
        response: { 200: systemInformationView, '4xx': problemSchema },
      },
    },
    async request => documents.systemInformation(request.params.query),
  )
  app.get(
    '/api/v1/machines/:query/devices',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getDevices',
        summary: 'Its disks and NICs, as its last installation reported them',
        tags: ['machines'],
        params: machineParams,
        response: { 200: devicesView, '4xx': problemSchema },
      },
    },
    async request => documents.devices(request.params.query),
  )
}
