/** What the appliance has counted: `/metrics` for Prometheus, `/api/v1/metrics` as values. */
import { z } from 'zod'
import type { Exposition } from '../kit/meter.ts'
import type { ConsoleApp } from './app.ts'
import { metric } from './schema/metric.ts'

export function addMetricsApi(app: ConsoleApp, exposition: Exposition): void {
  app.get(
    '/metrics',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'scrapeMetrics',
        summary: 'What was counted, for Prometheus',
        tags: ['appliance'],
        response: {
          200: { description: 'Prometheus’ text format', content: { 'text/plain': { schema: z.string() } } },
        },
      },
    },
    async (_, reply) => reply.type(exposition.contentType).send(await exposition.text()),
  )
  app.get(
    '/api/v1/metrics',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listMetrics',
        summary: 'The same as values',
        tags: ['appliance'],
        response: { 200: z.array(metric) },
      },
    },
    async () => (await exposition.values()) as z.infer<typeof metric>[],
  )
}
