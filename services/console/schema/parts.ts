/** What several views and queries are made of. */
import { z } from 'zod'

/** ISO 8601 in UTC, with milliseconds. */
export const time = z.string().meta({ format: 'date-time' })

export const byteCount = z.number().int().nonnegative()

/** A number in a query, which comes as text. */
export const wholeNumber = z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)

/** In one page: a few milliseconds of the event loop, and half a megabyte. */
export const PAGE_MOST = 1000
export const PAGE_USUAL = 500

export const pageLimit = wholeNumber
  .min(1)
  .max(PAGE_MOST)
  .meta({
    description: `How many at most, ${PAGE_USUAL} if not said; where there are more, the header \`link\` has the address of the next page`,
  })

/** A yes or no in a query. */
export const flag = z.enum(['true', 'false'])

const MACHINE_QUERY_MOST = 256

/** A machine as people name it. */
export const machineParams = z.object({
  query: z.string().min(1).max(MACHINE_QUERY_MOST).meta({
    description:
      'Host name, FQDN, MAC in any spelling, UUID, serial number or address; one that fits two machines is refused',
  }),
})
