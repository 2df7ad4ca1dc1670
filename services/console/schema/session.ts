/** Who is signed in, as the page is told. */
import { z } from 'zod'

export const sessionView = z.strictObject({
  user: z.strictObject({ name: z.string(), role: z.enum(['viewer', 'operator']) }),
  csrf: z.string().meta({ description: 'For the header `x-csrf-token` of every change that is asked for by cookie' }),
  expiresAt: z.iso.datetime().meta({ description: 'When it ends if nothing more is asked' }),
})
export type SessionView = z.infer<typeof sessionView>
