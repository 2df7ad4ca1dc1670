/** The library under `/api/v1`: every ISO with its facts and what is wrong with it. `?fresh=true` looks at the folder before. */
import type { FastifyInstance } from 'fastify'
import type { Isos } from './isos.ts'

export function addIsoApi(app: FastifyInstance, isos: Isos): void {
  app.get('/api/v1/isos', async request =>
    isos.list({ fresh: (request.query as { fresh?: unknown }).fresh === 'true' }),
  )
}
