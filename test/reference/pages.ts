/** Everything beside the code that is made of it, by its file. */
import { metricsManual } from '../console/metrics-manual.ts'
import { siteSchemaText } from '../site/site-schema.ts'
import { answerFilePage } from './answer-file.ts'
import { apiPage } from './api.ts'
import { commandsPage } from './commands.ts'
import { eventsPage } from './events.ts'
import { reasonsPage } from './reasons.ts'
import { siteFilePage } from './site-file.ts'

export const PAGES: readonly { file: string; make: () => string | Promise<string> }[] = [
  { file: 'docs/metrics.md', make: metricsManual },
  { file: 'config/site.schema.json', make: siteSchemaText },
  { file: 'docs/reference/site-file.md', make: siteFilePage },
  { file: 'docs/reference/commands.md', make: commandsPage },
  { file: 'docs/reference/reasons.md', make: reasonsPage },
  { file: 'docs/reference/events.md', make: eventsPage },
  { file: 'docs/reference/answer-file.md', make: answerFilePage },
  { file: 'docs/reference/api.md', make: apiPage },
]
