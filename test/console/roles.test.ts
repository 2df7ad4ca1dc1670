/** Every route of the API, as it is registered: who may ask for what, and that no route escapes the door. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addControl, type ControlContext } from '../../services/console/control.ts'
import { Listener, PASSWORD, type SignedIn } from './listener-rig.ts'

type Route = { method: string; url: string; role: string | undefined }

/** Whatever is asked of it: a route that lets somebody in fails behind the door, which is all the same here. */
const nothing: unknown = new Proxy(() => nothing, {
  get: (_, name) => (name === 'then' || name === Symbol.iterator ? undefined : nothing),
  apply: () => nothing,
})

let listener: Listener
let routes: Route[]

beforeEach(async () => {
  routes = []
  listener = await Listener.open({
    addRoutes: app => {
      app.addHook('onRoute', ({ method, url, config }) => {
        for (const one of [method].flat()) if (one !== 'HEAD') routes.push({ method: one, url, role: config?.role })
      })
      addControl(app, nothing as ControlContext)
    },
  })
})
afterEach(() => listener.close())

const pathOf = (url: string): string => url.replaceAll(/:\w+/g, '1')

async function askAll(headers: Record<string, string>): Promise<Map<Route, string>> {
  const outcomes = new Map<Route, string>()
  for (const route of routes) {
    const body = route.method === 'GET' ? {} : { body: {} }
    const code = await listener.ask(route.method, pathOf(route.url), { headers, ...body }).then(
      ({ status, json }) => ([401, 403].includes(status) ? String(json['code']) : 'let in'),
      (error: Error) => error.message,
    )
    // The stream of events has begun, and ends at once over nothing.
    outcomes.set(route, route.url === '/api/v1/events' && code === 'aborted' ? 'let in' : code)
  }
  return outcomes
}

const headersOf = ({ cookie, csrf }: SignedIn): Record<string, string> => ({ cookie, 'x-csrf-token': csrf })

const expected = (of: (role: string | undefined) => string): Map<Route, string> =>
  new Map(routes.map(route => [route, of(route.role)]))

test('L13 nobody is let in anywhere but where the route says so', async () => {
  expect(await askAll({})).toEqual(expected(role => (role === 'none' ? 'let in' : 'not-signed-in')))
})

test('L13 a viewer is let in where viewers are, and nowhere else', async () => {
  const headers = headersOf(await listener.signIn({ name: 'ben', password: PASSWORD }))
  expect(await askAll(headers)).toEqual(expected(role => (role === 'operator' ? 'not-allowed' : 'let in')))
})

test('L13 an operator is let in everywhere, and changes nothing without the token of the page', async () => {
  const signedIn = await listener.signIn({ name: 'anna', password: PASSWORD })
  expect(await askAll(headersOf(signedIn))).toEqual(expected(() => 'let in'))
  const changes = routes.filter(({ method }) => method !== 'GET')
  const outcomes = await askAll({ cookie: signedIn.cookie })
  expect(changes.map(route => outcomes.get(route))).toEqual(changes.map(() => 'csrf-refused'))
})

test('anybody may ask whether it lives; what viewers ask for changes nothing', () => {
  const of = (wanted: (route: Route) => boolean): string[] =>
    routes.filter(wanted).map(({ method, url }) => `${method} ${url}`)
  expect(of(({ role }) => role === 'none')).toEqual(['GET /healthz', 'GET /readyz'])
  // A what-if, with secrets masked.
  expect(of(({ role, method }) => role === 'viewer' && method !== 'GET')).toEqual(['POST /api/v1/explanation'])
})
