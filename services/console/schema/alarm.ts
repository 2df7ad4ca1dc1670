/** An alarm as people and programs are shown it: times as ISO text, nothing that is empty. */
import { z } from 'zod'
import { time } from './parts.ts'
import { schemas } from './registry.ts'

export const alarmView = z
  .strictObject({
    code: z.string(),
    subject: z.string().exactOptional().meta({ description: 'What it is about: a server, a subnet, an address' }),
    severity: z.enum(['warning', 'alarm']),
    message: z.string(),
    action: z.string().meta({ description: 'What to do' }),
    details: z.record(z.string(), z.string()),
    firstSeenAt: time,
    lastSeenAt: time,
    count: z.number().int(),
    endedAt: time.exactOptional().meta({ description: 'Absent while it lasts' }),
  })
  .register(schemas, { id: 'Alarm' })
export type AlarmView = z.infer<typeof alarmView>
