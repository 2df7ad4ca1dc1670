/** What a machine would get, and why, under `/api/v1`. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Explainer } from './explain.ts'
import type { Explanation } from './explanation.ts'
import { parseBy } from './password-api.ts'

const STATUS: Record<string, number> = { 'unknown-machine': 404, 'ambiguous-machine': 409 }

type Params = { query: string }

function send(reply: FastifyReply, outcome: Explanation | Problem): FastifyReply {
  void reply.header('cache-control', 'no-store')
  return isProblem(outcome) ? reply.code(STATUS[outcome.code] ?? 400).send({ problem: outcome }) : reply.send(outcome)
}

function profileIn(query: unknown): string | undefined {
  const { profile } = query as { profile?: unknown }
  return typeof profile === 'string' ? profile : undefined
}

export function addExplainApi(app: FastifyInstance, explainer: Omit<Explainer, 'close'>): void {
  app.get('/api/v1/machines/:query/explanation', async (request, reply) =>
    send(reply, await explainer.explain((request.params as Params).query, undefined, profileIn(request.query))),
  )
  // The body is a system information, as the installer posts it.
  app.post('/api/v1/explanation', async (request, reply) => {
    const { machine } = request.query as { machine?: unknown }
    const body = (request.body as Uint8Array | undefined) ?? new Uint8Array()
    return send(
      reply,
      await explainer.explain(typeof machine === 'string' ? machine : undefined, body, profileIn(request.query)),
    )
  })
  // Not GET: it is written down who saw the secrets.
  app.post('/api/v1/machines/:query/reveal', async (request, reply) =>
    send(reply, await explainer.reveal((request.params as Params).query, parseBy(request.body))),
  )
}
