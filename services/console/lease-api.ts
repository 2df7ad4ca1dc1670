/** Leases under `/api/v1`: what they are, and giving one back in the name of its machine. */
import type { FastifyInstance } from 'fastify'
import { isProblem } from '../kit/is-problem.ts'
import type { Leases } from './leases.ts'

const STATUS: Record<string, number> = {
  'unknown-lease': 404,
  'ambiguous-lease': 409,
  'not-leased': 409,
  'reserved-address': 409,
  'store-failed': 503,
}

export function addLeaseApi(app: FastifyInstance, leases: Omit<Leases, 'close'>): void {
  app.get('/api/v1/leases', async () => leases.list())
  app.post('/api/v1/leases/:query/release', async (request, reply) => {
    const { query } = request.params as { query: string }
    const outcome = await leases.release(query, { force: (request.query as { force?: unknown }).force === 'true' })
    return isProblem(outcome) ? reply.code(STATUS[outcome.code] ?? 400).send({ problem: outcome }) : reply.send(outcome)
  })
}
