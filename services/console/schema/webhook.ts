/** A target of webhooks as people and programs are shown it. */
import { z } from 'zod'
import { time } from './parts.ts'
import { schemas } from './registry.ts'

export const webhookView = z
  .strictObject({
    number: z.number().int().meta({ description: 'Its place in the site file, from 1' }),
    url: z.string().meta({ description: 'Without its path, which may hold a secret' }),
    events: z.array(z.string()),
    pending: z.number().int(),
    givenUp: z.number().int(),
    oldestAt: time.exactOptional().meta({ description: 'When the oldest message that waits was written' }),
    tries: z.number().int(),
    error: z.string().exactOptional(),
  })
  .register(schemas, { id: 'Webhook' })
export type WebhookView = z.infer<typeof webhookView>

export const webhookParams = z.object({ number: z.coerce.number().int().min(1).max(9999) })
