/** Forgetting a machine, under `/api/v1`. */
import type { ConsoleApp } from './app.ts'
import type { Forgetting } from './forget.ts'
import { whoAsks } from './principal.ts'
import { forgetOrder, forgottenView } from './schema/forget.ts'
import { machineParams } from './schema/parts.ts'
import { problemSchema } from './schema/problem.ts'

export function addForgetApi(app: ConsoleApp, desk: Omit<Forgetting, 'close'>): void {
  app.post(
    '/api/v1/machines/:query/forget',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'forgetMachine',
        summary: 'Everything about it goes; seen again it is a new one that only a person approves',
        tags: ['machines'],
        params: machineParams,
        body: forgetOrder.nullable().meta({ description: 'All optional; so is the body' }),
        response: { 200: forgottenView, '4xx': problemSchema },
      },
    },
    async request => desk.forget(request.params.query, { who: whoAsks(request), force: request.body?.force === true }),
  )
}
