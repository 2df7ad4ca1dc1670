/** The API: no request makes it fail, hang or answer in another form than it promises. An input is a method and a path on one line, then a body. */
import { problemDetails } from '../../../services/console/problem-details.ts'
import { type FakeAppliance, fakeAppliance } from '../../console/rig.ts'
import { hold, type Target } from '../target.ts'

const MACHINE = '/api/v1/machines/node1'
const SEEDS = [
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
  'GET /api/v1/appliance',
  'GET /api/v1/openapi.json',
  'GET /api/v1/alarms',
  'GET /api/v1/isos?fresh=true',
  'GET /api/v1/leases',
  'POST /api/v1/leases/10.77.0.11/release?force=true',
  'GET /api/v1/webhooks',
  'POST /api/v1/webhooks/1/retry',
  'GET /api/v1/machines?state=held&search=node&limit=2&after=bc:24:11:ab:12:21',
  `GET ${MACHINE}`,
  `GET ${MACHINE}/timeline?after=1&limit=2`,
  `GET ${MACHINE}/devices`,
  `GET ${MACHINE}/system-information`,
  `GET ${MACHINE}/explanation?profile=pve`,
  `POST ${MACHINE}/approve\n{"profile":"pve","reason":"new","confirmDisks":true}`,
  `POST ${MACHINE}/reinstall\n{}`,
  `POST ${MACHINE}/block`,
  `POST ${MACHINE}/password`,
  `POST ${MACHINE}/reveal`,
  'POST /api/v1/orders\n{"action":"approve","machines":["node1","node7"]}',
  'POST /api/v1/explanation?machine=node1\n{"network_interfaces":[{"mac":"bc:24:11:ab:12:21"}]}',
]
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What was ordered stays in the timeline, which is shown whole: an appliance is used for so many requests. */
const REQUESTS_EACH = 300
let used = 0
let open: Promise<FakeAppliance> | undefined

function applianceOf(): Promise<FakeAppliance> {
  if (!open || used >= REQUESTS_EACH) {
    used = 0
    open = fakeAppliance()
  }
  used += 1
  return open
}

async function run(input: Uint8Array): Promise<string> {
  const text = new TextDecoder('latin1').decode(input)
  const [line = '', ...rest] = text.split('\n')
  const method = METHODS.find(name => line.startsWith(name)) ?? 'GET'
  // A client sends a path and no host; what it may not contain is refused by the parser of HTTP before.
  const url = `/${line.replace(/^[A-Z]* ?\/*/, '').replaceAll(/[^\x21-\x7e]/g, '%00')}`
  const body = rest.join('\n')
  // A stream has no end, and a test of its own.
  if (method === 'GET' && url.startsWith('/api/v1/events')) return 'a stream'
  // The client of these tests reads it as a URL; what is none never leaves it.
  if (!URL.canParse(url, 'http://localhost')) return 'no URL'
  const { app } = await applianceOf()
  const reply = await app.inject({
    ...{ method, url },
    ...(body === '' ? {} : { headers: { 'content-type': 'application/json' }, payload: Buffer.from(body, 'latin1') }),
  })
  const { statusCode } = reply
  const type = String(reply.headers['content-type'])
  hold('nothing fails', statusCode < 500)
  if (statusCode < 400) return `${method} ${statusCode} ${type}`
  hold('an error is problem details', type === 'application/problem+json')
  const problem = problemDetails.parse(reply.json())
  hold('its status is its own', problem.status === statusCode)
  return `${method} ${statusCode} ${problem.code} ${problem.errors?.map(({ path }) => path.slice(0, 20)).join(' ') ?? ''}`
}

export const apiTarget: Target = {
  name: 'api',
  seeds: () => SEEDS.map(bytes),
  words: [
    '/',
    '?',
    '&',
    '=',
    '%2f',
    '%00',
    '%ff',
    '..',
    '{"',
    '"}',
    '[',
    ']',
    '\n',
    'null',
    '1e99',
    '-1',
    '__proto__',
  ].map(bytes),
  maxBytes: 2000,
  // All of the machinery of HTTP, and of the description once.
  mostMs: 250,
  run,
}
