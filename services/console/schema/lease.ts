/** A lease as people and programs are shown it. */
import { z } from 'zod'
import { flag, time } from './parts.ts'
import { schemas } from './registry.ts'

export const leaseView = z
  .strictObject({
    address: z.string(),
    mac: z.string(),
    name: z.string().exactOptional().meta({ description: 'Of the machine that has or had it' }),
    state: z.enum(['bound', 'expired', 'released', 'quarantine', 'reserved']).meta({
      description:
        '`reserved`: an installed system has the address written down, so it is nobody else’s, whatever became of the lease',
    }),
    boundAt: time.meta({ description: 'When it was last acknowledged' }),
    expiresAt: time.meta({ description: 'When it ends or ended; for `released`, when it was given back' }),
  })
  .register(schemas, { id: 'Lease' })
export type LeaseView = z.infer<typeof leaseView>

export const leaseParams = z.object({
  query: z.string().min(1).max(256).meta({ description: 'Address, or MAC or name of its machine' }),
})
export const releaseQuery = z.strictObject({
  force: flag.exactOptional().meta({ description: 'Also an address that an installed system has written down' }),
})
