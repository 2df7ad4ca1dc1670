/** `/metrics`: what the appliance has counted, for Prometheus and for people. */
import type { FastifyInstance } from 'fastify'
import type { Exposition } from '../kit/meter.ts'

export function addMetricsApi(app: FastifyInstance, exposition: Exposition): void {
  app.get('/metrics', async (_, reply) => reply.type(exposition.contentType).send(await exposition.text()))
  app.get('/api/v1/metrics', async () => exposition.values())
}
