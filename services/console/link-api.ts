/** One-time links, over the control socket alone: whoever may open that may enter the console. */
import { z } from 'zod'
import type { ConsoleApp } from './app.ts'
import { whoAsks } from './principal.ts'
import type { Console } from './server.ts'
import { ROLES } from './users.ts'

const linkView = z.strictObject({
  url: z
    .string()
    .meta({ description: 'Good for one sign-in. What follows `#` is a secret, which browsers send to nobody' }),
  role: z.enum(ROLES),
  expiresAt: z.iso.datetime(),
})
export type LinkView = z.infer<typeof linkView>

export function addLinkApi(app: ConsoleApp, console: Pick<Console, 'makeLink'>): void {
  app.post(
    '/api/v1/session/link',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'makeLink',
        summary: 'A link for one sign-in at the console',
        tags: ['session'],
        body: z.strictObject({ role: z.enum(ROLES).optional() }).optional(),
        response: { 200: linkView },
      },
    },
    async request => console.makeLink(request.body?.role ?? 'operator', whoAsks(request)),
  )
}
