/** `POST /api/v1/machines/<name>/password`: a random root password, once. */
import type { ConsoleApp } from './app.ts'
import type { PasswordDesk } from './passwords.ts'
import { whoAsks } from './principal.ts'
import { shownPassword } from './schema/document.ts'
import { machineParams } from './schema/parts.ts'
import { problemSchema } from './schema/problem.ts'

export function addPasswordApi(app: ConsoleApp, desk: Omit<PasswordDesk, 'close'>): void {
  app.post(
    '/api/v1/machines/:query/password',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'showPassword',
        summary: 'Its random root password, this once: the timeline tells who saw it, and it is kept no longer',
        tags: ['machines'],
        params: machineParams,
        response: { 200: shownPassword, '4xx': problemSchema },
      },
    },
    async request => desk.show(request.params.query, whoAsks(request)),
  )
}
