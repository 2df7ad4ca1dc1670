/** What a machine would get, and why, under `/api/v1`. */
import { validatorCompiler } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ConsoleApp } from './app.ts'
import type { Explainer } from './explain.ts'
import { whoAsks } from './principal.ts'
import { explanation, explanationQuery, postedQuery } from './schema/explanation.ts'
import { machineParams } from './schema/parts.ts'
import { problemSchema } from './schema/problem.ts'

const response = { 200: explanation, '4xx': problemSchema }

/** As an installer posts it; the reader of the answer endpoint says what is wrong with it, so it gets the octets. */
const systemInformation = z
  .record(z.string(), z.unknown())
  .meta({ description: 'What `proxmox-auto-install-assistant system-info` prints' })

function addPosted(app: ConsoleApp, explainer: Pick<Explainer, 'explain'>): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.post(
    '/api/v1/explanation',
    {
      config: { role: 'viewer' },
      validatorCompiler: route =>
        route.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(route as never),
      schema: {
        operationId: 'explainSystemInformation',
        summary: 'What a machine with this system information would get, and why; nothing happens to it',
        tags: ['answers'],
        querystring: postedQuery,
        body: systemInformation,
        response,
      },
    },
    async ({ query: { machine, profile }, body }) =>
      explainer.explain(machine, (body as unknown as Uint8Array | null) ?? new Uint8Array(), profile),
  )
}

export function addExplainApi(app: ConsoleApp, explainer: Omit<Explainer, 'close'>): void {
  app.get(
    '/api/v1/machines/:query/explanation',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'explainMachine',
        summary: 'What it would get at its next boot, and why; secrets are masked',
        tags: ['answers'],
        params: machineParams,
        querystring: explanationQuery,
        response,
      },
    },
    async request => explainer.explain(request.params.query, undefined, request.query.profile),
  )
  void app.register(async scope => addPosted(scope, explainer))
  // Not GET: it is written down who saw the secrets.
  app.post(
    '/api/v1/machines/:query/reveal',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'revealAnswer',
        summary: 'The same with all secrets; the timeline tells who saw them',
        tags: ['answers'],
        params: machineParams,
        response,
      },
    },
    async request => explainer.reveal(request.params.query, whoAsks(request)),
  )
}
