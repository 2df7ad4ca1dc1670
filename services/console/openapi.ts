/** The description of the API, made from the schemas of its routes: OpenAPI 3.1 at `/api/v1/openapi.json`. */
import type { FastifyDynamicSwaggerOptions, SwaggerTransform } from '@fastify/swagger'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ConsoleApp } from './app.ts'
import { PROBLEM_TYPE, problemDetails } from './problem-details.ts'
import { schemas } from './schema/registry.ts'

const OPENAPI_PATH = '/api/v1/openapi.json'

const TAGS = [
  { name: 'appliance', description: 'What this appliance is, and whether it works' },
  { name: 'machines', description: 'The fleet: what machines do, and orders to them' },
  { name: 'answers', description: 'What a machine would get, and why' },
  { name: 'library', description: 'ISOs' },
  { name: 'leases', description: 'Addresses' },
  { name: 'webhooks', description: 'What is told to others' },
  { name: 'events', description: 'What happens, as it happens' },
  { name: 'session', description: 'Who is signed in' },
  { name: 'health', description: 'What is wrong before power-on, and on the wire' },
  { name: 'work', description: 'What takes long, and how far it is' },
]

const refusal = (description: string) => ({ description, content: { [PROBLEM_TYPE]: { schema: problemDetails } } })

/** A handler returns a problem, and problem details are sent, by every route: said once, here. */
const REFUSALS = {
  '4xx': refusal('It was not done, or is not there: why, and what to do'),
  '5xx': refusal('The appliance failed; its log says why'),
}

const describeRoute = createJsonSchemaTransform({ schemaRegistry: schemas })

const transform: SwaggerTransform = about => {
  const { schema } = about
  const response = { ...(schema?.response as object | undefined), ...REFUSALS }
  return describeRoute({ ...about, schema: schema?.hide ? schema : { ...schema, response } } as never)
}

const collect = createJsonSchemaTransformObject({ schemaRegistry: schemas })

/** Schemas are made for requests and for responses alike; only those that something refers to are told. */
function transformObject(document: Parameters<typeof collect>[0]): ReturnType<typeof collect> {
  const whole = collect(document) as { paths?: object; components?: { schemas?: Record<string, unknown> } }
  const all = whole.components?.schemas ?? {}
  const told = new Set<string>()
  const look = (part: unknown): void => {
    for (const [, name] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([\w.-]+)"/g)) {
      if (told.has(name!)) continue
      told.add(name!)
      look(all[name!])
    }
  }
  look(whole.paths ?? {})
  const toldSchemas = Object.fromEntries(Object.entries(all).filter(([name]) => told.has(name)))
  return { ...whole, components: { ...whole.components, schemas: toldSchemas } } as ReturnType<typeof collect>
}

export function documentOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rackrise',
        version,
        description:
          'Everything that the console and the command line can do. Errors are problem details (RFC 9457); `code` is their stable word.',
      },
      servers: [{ url: '/', description: 'this appliance' }],
      tags: TAGS,
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'A token that an operator made for a program' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'rackrise-',
            description:
              'A browser that is signed in; a mark of the site follows the name, `__Host-` stands before it under TLS',
          },
        },
      },
    },
    transform,
    transformObject,
  }
}

export function addOpenapi(app: ConsoleApp): void {
  let text: string | undefined
  app.get(
    OPENAPI_PATH,
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getOpenapi',
        summary: 'This description',
        tags: ['appliance'],
        response: { 200: z.record(z.string(), z.unknown()).meta({ description: 'OpenAPI 3.1' }) },
      },
    },
    async (_request, reply) => {
      text ??= JSON.stringify(app.swagger())
      return reply.type('application/json; charset=utf-8').send(text as never)
    },
  )
}
