/** What machines said of themselves, and a random root password. */
import { z } from 'zod'
import { time } from './parts.ts'
import { schemas } from './registry.ts'

export const systemInformationView = z
  .strictObject({
    at: time,
    information: z.record(z.string(), z.unknown()).meta({ description: 'What the machine posted, whole' }),
  })
  .register(schemas, { id: 'SystemInformation' })
export type SystemInformationView = z.infer<typeof systemInformationView>

const properties = z.record(z.string(), z.record(z.string(), z.string()))

export const devicesView = z
  .strictObject({
    at: time,
    disks: properties.meta({ description: 'By name: udev’s properties' }),
    nics: properties,
    used: z.array(z.string()).meta({ description: 'The disks that were installed on' }),
  })
  .register(schemas, { id: 'Devices' })
export type DevicesView = z.infer<typeof devicesView>

export const shownPassword = z
  .strictObject({ name: z.string(), attempt: z.string(), password: z.string() })
  .register(schemas, { id: 'ShownPassword' })
export type ShownPassword = z.infer<typeof shownPassword>
