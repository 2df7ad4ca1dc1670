/** The API under `/api/v1`, and how the command line reaches it: a socket in the state folder that only its owner can open. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import { ACTIONS, type Action, type Fleet } from './fleet.ts'

/** Where the appliance listens for the command line, below the state folder. */
export const CONTROL_SOCKET = 'control.sock'

const STATUS: Record<string, number> = {
  'unknown-machine': 404,
  'ambiguous-machine': 409,
  'not-approvable': 409,
  'disks-in-doubt': 409,
  'no-profile': 422,
}

const orderBody = z.strictObject({
  profile: z.string().max(64).optional(),
  reason: z.string().max(500).optional(),
  confirmDisks: z.boolean().optional(),
})

function parseOrder(body: unknown): z.infer<typeof orderBody> | Problem {
  try {
    const text = body instanceof Uint8Array && body.length > 0 ? new TextDecoder().decode(body) : '{}'
    return orderBody.parse(JSON.parse(text))
  } catch {
    return {
      code: 'bad-request',
      message: 'the body is not an order',
      hint: 'send JSON with "profile", "reason" and "confirmDisks", all optional',
      severity: 'error',
    }
  }
}

type Params = { query: string; action: string }

export function addApi(app: FastifyInstance, fleet: Fleet): void {
  const send = (value: unknown): { status: number; body: unknown } =>
    isProblem(value) ? { status: STATUS[value.code] ?? 400, body: { problem: value } } : { status: 200, body: value }
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/api/v1/machines', async () => fleet.list())
  app.get('/api/v1/machines/:query', async (request, reply) => {
    const { status, body } = send(await fleet.show((request.params as Params).query))
    return reply.code(status).send(body)
  })
  app.get('/api/v1/machines/:query/timeline', async (request, reply) => {
    const after = Number((request.query as { after?: string }).after ?? 0)
    const { status, body } = send(
      await fleet.timeline((request.params as Params).query, Number.isSafeInteger(after) ? after : 0),
    )
    return reply.code(status).send(body)
  })
  app.post('/api/v1/machines/:query/:action', async (request, reply) => {
    const { query, action } = request.params as Params
    if (!ACTIONS.includes(action as Action)) return reply.code(404).send('there is nothing here\n')
    const order = parseOrder(request.body)
    const { status, body } = send(
      isProblem(order)
        ? order
        : await fleet.order(query, action as Action, {
            ...(order.profile ? { profile: order.profile } : {}),
            ...(order.reason ? { reason: order.reason } : {}),
            ...(order.confirmDisks ? { confirmDisks: true } : {}),
          }),
    )
    return reply.code(status).send(body)
  })
}
