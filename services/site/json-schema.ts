/** The schema of the site file for editors (JSON Schema 2020-12): names, shapes, choices and bounds of what is written. What values mean, `rackrise check` knows. */
import { z } from 'zod'
import { siteFile } from './schema.ts'

/** Keeps no order of keys in mind that the schema itself has not: they come as the file has them. */
export function siteJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(siteFile, {
    io: 'input',
    unrepresentable: 'any',
    override({ path, jsonSchema }) {
      // What a rule asks of a fact is read by hand: one pattern, or several.
      if (path.slice(-2).join('.') === 'when.additionalProperties')
        jsonSchema.anyOf = [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }]
      // An empty section is as good as none, and says nothing to who reads this.
      if (JSON.stringify(jsonSchema.default) === '{}') delete jsonSchema.default
    },
  })
  return { $schema, title: 'The site file of Rackrise', ...schema }
}
