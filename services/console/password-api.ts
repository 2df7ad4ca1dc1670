/** `POST /api/v1/machines/<name>/password`: a random root password, once. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { isProblem } from '../kit/is-problem.ts'
import type { PasswordDesk } from './passwords.ts'

const STATUS: Record<string, number> = {
  'unknown-machine': 404,
  'ambiguous-machine': 409,
  'no-password': 404,
  'password-shown': 410,
  'password-unreadable': 409,
}

const body = z.object({ by: z.string().max(200).default('') })

/** Who asks, as he names himself; empty if the body does not say. */
export function parseBy(bytes: unknown): string {
  try {
    return body.parse(JSON.parse(bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : '{}')).by
  } catch {
    return ''
  }
}

export function addPasswordApi(app: FastifyInstance, desk: Omit<PasswordDesk, 'close'>): void {
  app.post('/api/v1/machines/:query/password', async (request, reply) => {
    const shown = await desk.show((request.params as { query: string }).query, parseBy(request.body))
    void reply.header('cache-control', 'no-store')
    return isProblem(shown) ? reply.code(STATUS[shown.code] ?? 400).send({ problem: shown }) : reply.send(shown)
  })
}
