/** Work that takes long, as the API tells it. */
import { z } from 'zod'
import { time } from './parts.ts'
import { problemSchema } from './problem.ts'
import { schemas } from './registry.ts'

const count = z.number().int().nonnegative()

export const workView = z
  .strictObject({
    id: z.string().meta({ description: 'The same for the same thing, run after run' }),
    what: z.enum(['doctor', 'verify']),
    subject: z.string().exactOptional().meta({ description: 'The file of the library that is verified' }),
    unit: z.enum(['bytes', 'steps']).meta({ description: 'Of `done`, `total` and `perSecond`' }),
    done: count,
    total: count,
    perSecond: count.exactOptional().meta({ description: 'Where octets are counted, once there is a rate' }),
    secondsLeft: z.number().nonnegative().exactOptional().meta({ description: 'At most, where that is known' }),
    doing: z.string().exactOptional().meta({ description: 'What is under way, in words' }),
    canCancel: z.boolean(),
    startedAt: time,
    end: z
      .strictObject({
        at: time,
        outcome: z.enum(['done', 'cancelled', 'failed']),
        problem: problemSchema.exactOptional(),
      })
      .exactOptional()
      .meta({ description: 'Absent while it runs' }),
  })
  .register(schemas, { id: 'Work' })
export type WorkView = z.infer<typeof workView>

export const workParams = z.object({ id: z.string().min(1).max(300) })
