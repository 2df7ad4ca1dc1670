/** Forgetting a machine, as people and programs ask for it and are told. */
import { z } from 'zod'
import { schemas } from './registry.ts'

export const forgetOrder = z
  .strictObject({
    force: z.boolean().exactOptional().meta({ description: 'Although an installation is under way, or it is blocked' }),
  })
  .register(schemas, { id: 'ForgetOrder' })

export const forgottenView = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    macs: z.array(z.string()),
    addresses: z.array(z.string()).meta({ description: 'What others may be given from now on' }),
  })
  .register(schemas, { id: 'Forgotten' })
export type ForgottenView = z.infer<typeof forgottenView>
