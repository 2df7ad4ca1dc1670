/** The API's description of itself, and what it answers compared with that. */
import { Ajv2020 } from 'ajv/dist/2020.js'

type Described = { content?: Record<string, { schema: object }> }
export type Operation = {
  operationId: string
  summary: string
  responses: Record<string, Described>
  parameters?: { in: string; name: string }[]
  requestBody?: object
}
export type ApiDocument = { openapi: string; paths: Record<string, Record<string, Operation>> }

export class Contract {
  readonly document: ApiDocument
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false })

  constructor(document: ApiDocument) {
    this.document = document
    this.#ajv.addSchema(document, 'api')
  }

  operations(): { path: string; method: string; operation: Operation }[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
  }

  /** References are those of the document. */
  compiled(schema: object) {
    return this.#ajv.compile(
      JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/')) as object,
    )
  }

  /** @returns what is wrong with a reply of that operation; nothing if it is as described */
  faultsOf(operationId: string, reply: { status: number; type: string; value: unknown }): unknown[] {
    const found = this.operations().find(({ operation }) => operation.operationId === operationId)
    if (!found) return [`there is no operation ${operationId}`]
    const { responses } = found.operation
    const { status, type, value } = reply
    const described = responses[status] ?? responses[`${Math.floor(status / 100)}XX`]
    if (described && described.content === undefined) return value === '' ? [] : ['a body where none is described']
    const schema = described?.content?.[type.split(';')[0]!]?.schema
    if (!schema) return [`${operationId} does not describe ${status} ${type}`]
    const isRight = this.compiled(schema)
    return isRight(value) ? [] : (isRight.errors ?? [])
  }
}
