/** Webhooks under `/api/v1`: what waits for each target, and sending it now. */
import { z } from 'zod'
import type { Problem } from '../kit/problem.ts'
import type { Outbox, TargetView } from '../webhook/outbox.ts'
import type { ConsoleApp } from './app.ts'
import { problemSchema } from './schema/problem.ts'
import { webhookParams, type WebhookView, webhookView } from './schema/webhook.ts'

function viewOf({ oldestAt, ...view }: TargetView): WebhookView {
  return { ...view, ...(oldestAt === undefined ? {} : { oldestAt: new Date(oldestAt).toISOString() }) }
}

const UNKNOWN: Problem = {
  code: 'unknown-webhook',
  message: 'the site file has no webhook with this number',
  hint: 'see `rackrise webhook list`; they are counted from 1',
  severity: 'error',
}

const views = z.array(webhookView)

export function addWebhookApi(app: ConsoleApp, outbox: Pick<Outbox, 'views' | 'retry'>): void {
  const describe = (operationId: string, summary: string) => ({
    operationId,
    summary,
    tags: ['webhooks'],
    response: { 200: views, '4xx': problemSchema },
  })
  app.get(
    '/api/v1/webhooks',
    { config: { role: 'viewer' }, schema: describe('listWebhooks', 'Every target, and what waits for it') },
    async () => (await outbox.views()).map(viewOf),
  )
  app.post(
    '/api/v1/webhooks/retry',
    { config: { role: 'operator' }, schema: describe('retryWebhooks', 'Sends everything that waits now') },
    async () => {
      await outbox.retry()
      return (await outbox.views()).map(viewOf)
    },
  )
  app.post(
    '/api/v1/webhooks/:number/retry',
    {
      config: { role: 'operator' },
      schema: { ...describe('retryWebhook', 'Sends what waits for this target now'), params: webhookParams },
    },
    async ({ params: { number } }) => {
      if (!(await outbox.retry(number))) return UNKNOWN
      return (await outbox.views()).filter(view => view.number === number).map(viewOf)
    },
  )
}
