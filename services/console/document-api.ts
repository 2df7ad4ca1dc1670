/** Under `/api/v1/machines/:query`: the system information that a machine posted, and the devices that it reported. */
import type { FastifyInstance } from 'fastify'
import { isProblem } from '../kit/is-problem.ts'
import type { Documents } from './documents.ts'

const STATUS: Record<string, number> = { 'unknown-machine': 404, 'ambiguous-machine': 409, 'not-reported': 404 }

export function addDocumentApi(app: FastifyInstance, documents: Omit<Documents, 'close'>): void {
  for (const [path, ask] of [
    ['system-information', documents.systemInformation],
    ['devices', documents.devices],
  ] as const) {
    app.get(`/api/v1/machines/:query/${path}`, async (request, reply) => {
      const found = await ask((request.params as { query: string }).query)
      return isProblem(found) ? reply.code(STATUS[found.code] ?? 400).send({ problem: found }) : reply.send(found)
    })
  }
}
