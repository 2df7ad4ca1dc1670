/** Long work under `/api/v1`: what runs and how far it is, verifying an ISO, and ending what was begun. */
import { z } from 'zod'
import type { Clock } from '../kit/clock.ts'
import type { Problem } from '../kit/problem.ts'
import type { WorkList } from '../kit/work.ts'
import type { ConsoleApp } from './app.ts'
import { whoAsks } from './principal.ts'
import { problemSchema } from './schema/problem.ts'
import { workParams, workView } from './schema/work.ts'
import type { IsoVerifier } from './verify-iso.ts'
import { viewWork } from './work-view.ts'

const NOT_RUNNING: Problem = {
  code: 'work-not-running',
  message: 'no work of this name runs that could be ended',
  hint: 'see `GET /api/v1/work` for what runs, and whether it can be cancelled',
  severity: 'error',
}

export type WorkContext = { work: WorkList; clock: Clock }

export function addWorkApi(app: ConsoleApp, { work, clock }: WorkContext, verifier: IsoVerifier): void {
  app.get(
    '/api/v1/work',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listWork',
        summary: 'What takes long: how far it is, at what rate, and how much time is left',
        description:
          'What runs, and for a minute what ended. `event: work` of `/api/v1/events` tells it as it changes.',
        tags: ['work'],
        response: { 200: z.array(workView) },
      },
    },
    async () => work.list().map(one => viewWork(one, clock.now())),
  )
  app.post(
    '/api/v1/work/:id/cancel',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'cancelWork',
        summary: 'Ends what was begun; its view says so a moment later',
        tags: ['work'],
        params: workParams,
        response: { 202: workView, '4xx': problemSchema },
      },
    },
    async ({ params: { id } }, reply) => {
      if (!work.cancel(id)) return NOT_RUNNING
      return reply.code(202).send(viewWork(work.find(id)!, clock.now()))
    },
  )
  app.post(
    '/api/v1/isos/:file/verify',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'verifyIso',
        summary: 'Begins to compare an ISO with the checksums that were published for it',
        description:
          'Who asks while it runs is told of the same run. What was found is the `checksum` of the ISO then.',
        tags: ['library'],
        params: z.object({ file: z.string().min(1).max(255) }),
        response: { 202: workView, '4xx': problemSchema },
      },
    },
    async (request, reply) => {
      const problem = verifier.start(request.params.file, whoAsks(request))
      if (problem) return problem
      return reply.code(202).send(viewWork(work.find(verifier.idOf(request.params.file))!, clock.now()))
    },
  )
}
