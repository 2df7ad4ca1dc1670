/** A lease as people and programs are shown it. */
import { z } from 'zod'
import { flag, pageLimit, time } from './parts.ts'
import { schemas } from './registry.ts'

const leaseState = z.enum(['bound', 'expired', 'released', 'quarantine', 'reserved'])

export const leaseView = z
  .strictObject({
    address: z.string(),
    mac: z.string(),
    name: z.string().exactOptional().meta({ description: 'Of the machine that has or had it' }),
    state: leaseState.meta({
      description:
        '`reserved`: an installed system has the address written down, so it is nobody else’s, whatever became of the lease',
    }),
    boundAt: time.meta({ description: 'When it was last acknowledged' }),
    expiresAt: time.meta({ description: 'When it ends or ended; for `released`, when it was given back' }),
  })
  .register(schemas, { id: 'Lease' })
export type LeaseView = z.infer<typeof leaseView>

export const leasesQuery = z.strictObject({
  state: z
    .union([leaseState, z.array(leaseState)])
    .exactOptional()
    .meta({ description: 'Only in this state; may be repeated' }),
  mac: z
    .union([z.string().max(64), z.array(z.string().max(64))])
    .exactOptional()
    .meta({ description: 'Only of this MAC; may be repeated' }),
  search: z
    .string()
    .max(100)
    .exactOptional()
    .meta({ description: 'Only those with all of these words in address, MAC, name or state' }),
  limit: pageLimit.exactOptional(),
  after: z.ipv4().exactOptional().meta({ description: 'The `address` of the last lease of the page before' }),
})
export type LeasesQuery = z.infer<typeof leasesQuery>

export const leaseParams = z.object({
  query: z.string().min(1).max(256).meta({ description: 'Address, or MAC or name of its machine' }),
})
export const releaseQuery = z.strictObject({
  force: flag.exactOptional().meta({ description: 'Also an address that an installed system has written down' }),
})
