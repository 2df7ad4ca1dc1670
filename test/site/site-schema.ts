/** The schema of the site file, for editors, made of the code: `node test/site/site-schema.ts > config/site.schema.json` writes it anew. */
import { siteJsonSchema } from '../../services/site/json-schema.ts'

export function siteSchemaText(): string {
  return `${JSON.stringify(siteJsonSchema(), null, 2)}\n`
}

if (import.meta.main) process.stdout.write(siteSchemaText())
