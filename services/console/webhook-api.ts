/** Webhooks under `/api/v1`: what waits for each target, and sending it now. */
import type { FastifyInstance } from 'fastify'
import type { Problem } from '../kit/problem.ts'
import type { Outbox, TargetView } from '../webhook/outbox.ts'

/** `url` is shown without its path, which may hold a secret. `oldestAt`: when the oldest message that waits was written. */
export type WebhookView = Omit<TargetView, 'oldestAt'> & { oldestAt?: string }

function viewOf({ oldestAt, ...view }: TargetView): WebhookView {
  return { ...view, ...(oldestAt === undefined ? {} : { oldestAt: new Date(oldestAt).toISOString() }) }
}

const UNKNOWN: Problem = {
  code: 'unknown-webhook',
  message: 'the site file has no webhook with this number',
  hint: 'see `rackrise webhook list`; they are counted from 1',
  severity: 'error',
}

export function addWebhookApi(app: FastifyInstance, outbox: Pick<Outbox, 'views' | 'retry'>): void {
  app.get('/api/v1/webhooks', async () => (await outbox.views()).map(viewOf))
  app.post('/api/v1/webhooks/retry', async () => {
    await outbox.retry()
    return (await outbox.views()).map(viewOf)
  })
  app.post('/api/v1/webhooks/:number/retry', async (request, reply) => {
    const number = Number((request.params as { number: string }).number)
    if (!(await outbox.retry(number))) return reply.code(404).send({ problem: UNKNOWN })
    return (await outbox.views()).filter(view => view.number === number).map(viewOf)
  })
}
