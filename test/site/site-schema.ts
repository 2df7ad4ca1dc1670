/** The schema of the site file, for editors, made of the code: `npm run reference` writes it anew. */
import { siteJsonSchema } from '../../services/site/json-schema.ts'

export function siteSchemaText(): string {
  return `${JSON.stringify(siteJsonSchema(), null, 2)}\n`
}
