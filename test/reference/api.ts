/** `docs/reference/api.md`: every operation of the API, as it is registered, with its role. */
import { closeConsoleApp, buildConsoleApp } from '../../services/console/app.ts'
import { addControl, type ControlContext } from '../../services/console/control.ts'
import type { Door } from '../../services/console/door.ts'
import { addLinkApi } from '../../services/console/link-api.ts'
import { STATUS_OF } from '../../services/console/problem-details.ts'
import { socketPrincipal } from '../../services/console/principal.ts'
import { addSessionApi } from '../../services/console/session-api.ts'
import { silentLog } from '../../services/kit/log.ts'
import { code, head, table } from './page.ts'

type Parameter = { in: string; name: string }
type Operation = {
  operationId: string
  summary: string
  tags: string[]
  parameters?: Parameter[]
  requestBody?: object
}
type Document = { tags: { name: string; description: string }[]; paths: Record<string, Record<string, Operation>> }
type Route = { method: string; path: string; role: string; operation: Operation }

/** Routes are only registered here; nobody asks them anything. */
const nothing: unknown = new Proxy(() => nothing, {
  get: (_, name) => (name === 'then' || name === Symbol.iterator ? undefined : nothing),
  apply: () => nothing,
})

async function routesOf(): Promise<{ document: Document; routes: Route[] }> {
  const app = await buildConsoleApp({ log: silentLog, version: '0', identify: socketPrincipal })
  const roles = new Map<string, string>()
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat())
      roles.set(`${one} ${url.replaceAll(/:(\w+)/g, '{$1}')}`, config?.role ?? 'viewer')
  })
  addControl(app, nothing as ControlContext)
  addSessionApi(app, nothing as Door, { name: 'rackrise', secure: false })
  addLinkApi(app, nothing as Parameters<typeof addLinkApi>[1])
  await app.ready()
  const document = app.swagger() as unknown as Document
  await closeConsoleApp(app)
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([lower, operation]): Route => {
      const method = lower.toUpperCase()
      return { method, path, role: roles.get(`${method} ${path}`) ?? 'viewer', operation }
    }),
  )
  return { document, routes }
}

const ABOUT = [
  'Every operation of the API, from its own description at `GET /api/v1/openapi.json` (OpenAPI 3.1), which has the schemas, too. [How it is used](../api.md) has examples, and says what streams and pages are.',
  '',
  'Who may ask: `none` needs no sign-in, `viewer` is everybody who is signed in or has a token, `operator` may change things. Whoever can open the control socket is an operator.',
]

function takes({ parameters = [], requestBody }: Operation): string {
  const query = parameters.filter(one => one.in === 'query').map(({ name }) => code(name))
  return [...query, ...(requestBody ? ['a body'] : [])].join(', ')
}

export async function apiPage(): Promise<string> {
  const { document, routes } = await routesOf()
  const sections = document.tags.flatMap(({ name, description }) => {
    const own = routes.filter(({ operation }) => operation.tags.includes(name))
    const rows = own.map(({ method, path, role, operation }) => [
      code(`${method} ${path}`),
      operation.summary,
      role,
      takes(operation),
      code(operation.operationId),
    ])
    return own.length === 0
      ? []
      : [
          `## ${name[0]!.toUpperCase()}${name.slice(1)}`,
          '',
          `${description}.`,
          '',
          table(['Operation', 'What', 'Who', 'Takes', 'Id'], rows),
          '',
        ]
  })
  const statuses = Map.groupBy(Object.entries(STATUS_OF), ([, status]) => status)
  const rows = [...statuses]
    .toSorted(([a], [b]) => a - b)
    .map(([status, codes]) => [String(status), codes.map(([one]) => code(one)).join(', ')])
  return [
    head('Operations of the API', ...ABOUT),
    ...sections,
    '## Status of refusals',
    '',
    'A refusal is a problem (RFC 9457) with a `code`; [reasons](reasons.md) says what to do about it. Codes that are not here come with 400.',
    '',
    table(['Status', 'Codes'], rows),
    '',
  ].join('\n')
}
