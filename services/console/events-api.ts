/** `/api/v1/events`: what happens, as it happens, as server-sent events (WHATWG HTML §9.2). */
import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import type { Log } from '../kit/log.ts'
import type { Problem } from '../kit/problem.ts'
import type { ConsoleApp } from './app.ts'
import { type EventFeed, READERS_MOST, type Reader } from './event-feed.ts'
import { wholeNumber } from './schema/parts.ts'
import { problemSchema } from './schema/problem.ts'

const TOO_MANY: Problem = {
  code: 'too-many-streams',
  message: `${READERS_MOST} streams of events are open`,
  hint: 'close a browser tab that shows the console, or ask for /api/v1/machines now and then',
  severity: 'error',
}

const EVENTS = `\`hello\` with \`{seq, version, site}\`; \`machine\` with \`{machine, event}\`; \`progress\` with \`{id, progress, heardAt}\`, at most twice a second for each machine;
\`work\` with an entry of \`GET /api/v1/work\`, at most twice a second for each; \`changed\` with \`{what}\`: alarms, isos, leases, webhooks or machines are to be fetched again;
\`site\` when the site file was loaded again or refused: \`{at, by, outcome, …}\` with what changed or all problems, as \`hello\` has it of the last time (whatever the file decides is to be fetched again after \`loaded\`); \`reset\`: what was missed can't be told any more, fetch everything again.`

/** Node holds what a client does not take; how much that is decides when it is dropped. */
function readerOf(response: ServerResponse): Reader {
  return {
    write: frame => void response.write(frame),
    backlog: () => response.writableLength,
    cut: () => response.destroy(),
  }
}

/** From the first news to the last: until the client goes away, or is sent away. */
async function tell(response: ServerResponse, feed: EventFeed, after: number | undefined, log: Log): Promise<void> {
  const ended = new Promise<void>(resolve => response.once('close', resolve))
  try {
    const end = await feed.add(readerOf(response), after)
    await ended
    end()
  } catch (error) {
    log.error({ error: String(error) }, 'a stream of events could not begin')
    response.destroy()
  }
}

export function addEventsApi(app: ConsoleApp, feed: EventFeed, log: Log): void {
  const open = new Map<ServerResponse, Promise<void>>()
  app.addHook('preClose', async () => {
    for (const response of open.keys()) response.destroy()
    await Promise.all(open.values())
  })
  app.get(
    '/api/v1/events',
    {
      config: { role: 'viewer' },
      exposeHeadRoute: false,
      schema: {
        operationId: 'watchEvents',
        summary: 'What happens, as it happens',
        description: EVENTS,
        tags: ['events'],
        querystring: z.strictObject({
          after: wholeNumber
            .exactOptional()
            .meta({ description: 'What was missed since the event with this number comes first; as `Last-Event-ID`' }),
        }),
        headers: z.object({ 'last-event-id': wholeNumber.exactOptional() }),
        response: {
          200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: z.string() } } },
          '4xx': problemSchema,
        },
      },
    },
    async (request, reply) => {
      if (feed.readers >= READERS_MOST) return TOO_MANY
      const after = request.headers['last-event-id'] ?? request.query.after
      const { raw } = reply.hijack()
      const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
      raw.writeHead(200, {
        ...Object.fromEntries(headers),
        'content-type': 'text/event-stream',
        'x-accel-buffering': 'no',
      })
      raw.flushHeaders()
      const told = tell(raw, feed, after, log).finally(() => open.delete(raw))
      open.set(raw, told)
      await told
    },
  )
}
