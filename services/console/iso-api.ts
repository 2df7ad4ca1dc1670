/** The library under `/api/v1`. */
import type { ConsoleApp } from './app.ts'
import type { Isos } from './isos.ts'
import { libraryQuery, libraryView } from './schema/iso.ts'

export function addIsoApi(app: ConsoleApp, isos: Isos): void {
  app.get(
    '/api/v1/isos',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listIsos',
        summary: 'The library: every ISO, what it is, and which profiles install it',
        tags: ['library'],
        querystring: libraryQuery,
        response: { 200: libraryView },
      },
    },
    async request => isos.list({ fresh: request.query.fresh === 'true' }),
  )
}
