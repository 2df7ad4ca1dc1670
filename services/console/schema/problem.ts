/** A problem inside of a view, and as handlers return it: of an ISO, an answer, the site. */
import { z } from 'zod'
import type { Problem } from '../../kit/problem.ts'
import { schemas } from './registry.ts'

export const placeSchema = z.strictObject({
  file: z.string(),
  line: z.number().int().exactOptional(),
  column: z.number().int().exactOptional(),
})

export const problemSchema: z.ZodType<Problem> = z
  .strictObject({
    code: z.string().meta({ description: 'Stable word for it' }),
    message: z.string(),
    hint: z.string().meta({ description: 'What to do about it' }),
    severity: z.enum(['error', 'warning']),
    place: placeSchema.exactOptional(),
  })
  .register(schemas, { id: 'Problem' })
