/** What the appliance has counted, as values. */
import { z } from 'zod'
import { schemas } from './registry.ts'

const series = z.object({
  labels: z.record(z.string(), z.union([z.string(), z.number()])),
  value: z.number().nullable().meta({ description: 'null where nothing was measured yet' }),
  metricName: z.string().exactOptional().meta({ description: 'Of a histogram: its buckets, sum or count' }),
  exemplar: z.unknown().optional(),
})

export const metric = z
  .object({
    name: z.string(),
    help: z.string(),
    type: z.enum(['counter', 'gauge', 'histogram', 'summary']),
    values: z.array(series),
    aggregator: z.string(),
  })
  .register(schemas, { id: 'Metric' })
