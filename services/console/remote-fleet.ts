/** The fleet of a running appliance, through its control socket. */
import { request } from 'node:http'
import { isProblem } from '../kit/is-problem.ts'
import { EnvironmentProblem, type Problem } from '../kit/problem.ts'
import type { Fleet } from './fleet.ts'
import { hasNext, type Page } from './pages.ts'
import { USER_HEADER } from './principal.ts'
import { problemIn } from './problem-details.ts'
import {
  type MachinesQuery,
  type MachineView,
  type OrderResult,
  TIMELINE_MOST,
  type TimelineEntry,
} from './schema/machine.ts'
import { PAGE_MOST } from './schema/parts.ts'

/** Where the appliance listens for the command line, below the state folder. */
export const CONTROL_SOCKET = 'control.sock'

const TIMEOUT_MS = 10_000

/** The control socket of a running appliance, and who uses it, as the timeline is to tell. */
export type ControlSocket = { path: string; user: string }

type Reply = { status: number; text: string; link?: string | undefined }

function ask(
  { path: socketPath, user }: ControlSocket,
  method: string,
  path: string,
  body?: unknown,
  patienceMs = TIMEOUT_MS,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...{ socketPath, method, path, timeout: patienceMs },
        headers: {
          [USER_HEADER]: encodeURIComponent(user),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
      },
      response => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(parts).toString('utf8'),
            link: [response.headers['link']].flat()[0],
          }),
        )
      },
    )
    call.on('error', reject)
    call.on('timeout', () => call.destroy(new Error(`no answer within ${patienceMs / 1000} seconds`)))
    call.end(body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body))
  })
}

async function askPresent(
  socket: ControlSocket,
  method: string,
  path: string,
  body?: unknown,
  patienceMs?: number,
): Promise<Reply> {
  return ask(socket, method, path, body, patienceMs).catch((error: unknown) => {
    const what = error instanceof Error ? error.message : String(error)
    throw new EnvironmentProblem(
      'control',
      `the appliance behind ${socket.path} went away: ${what}`,
      'start it again, then repeat the command',
    )
  })
}

/** What is there to read, as text. */
export async function askText(socket: ControlSocket, path: string): Promise<string> {
  return (await askPresent(socket, 'GET', path)).text
}

function readReply<T>({ status, text }: Reply, method: string, path: string): T | Problem {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new EnvironmentProblem(
      'control',
      `the appliance answered ${status} to ${method} ${path}: ${text.trim()}`,
      'repeat the command when that is mended',
    )
  }
  const problem = status >= 400 ? problemIn(parsed) : undefined
  if (problem?.code !== 'failed') return problem ?? (parsed as T)
  throw new EnvironmentProblem(
    'control',
    `the appliance answered ${status} to ${method} ${path}: ${problem.message}`,
    'repeat the command when that is mended',
  )
}

export async function askJson<T>(
  socket: ControlSocket,
  method: string,
  path: string,
  body?: unknown,
  patienceMs?: number,
): Promise<T | Problem> {
  return readReply(await askPresent(socket, method, path, body, patienceMs), method, path)
}

async function askPage<View>(socket: ControlSocket, path: string): Promise<Page<View> | Problem> {
  const reply = await askPresent(socket, 'GET', path)
  const views = readReply<View[]>(reply, 'GET', path)
  return isProblem(views) ? views : { views, hasMore: hasNext(reply.link) }
}

/** What ends a page may be gone before the next one is asked for, such as a machine that is forgotten: then from the beginning. */
const BEGINNINGS_MOST = 5

/**
 * All pages of a list, one after the other.
 * @param nameOf what tells one from the others, and what the next page comes after
 */
export async function askAll<View>(
  socket: ControlSocket,
  path: string,
  nameOf: (view: View) => string,
): Promise<View[]> {
  for (let beginnings = 0; beginnings < BEGINNINGS_MOST; beginnings++) {
    const all = new Map<string, View>()
    let after = ''
    for (;;) {
      const page = await askPage<View>(socket, `${path}?limit=${PAGE_MOST}${after}`)
      if (isProblem(page)) break
      for (const view of page.views) all.set(nameOf(view), view)
      if (!page.hasMore) return [...all.values()]
      after = `&after=${encodeURIComponent(nameOf(page.views.at(-1)!))}`
    }
  }
  throw new EnvironmentProblem(
    'control',
    `the list at ${path} broke off ${BEGINNINGS_MOST} times: what ended its pages was gone before the next one was asked for`,
    'repeat the command',
  )
}

export function remoteFleet(socket: ControlSocket): Fleet {
  const machine = (query: string): string => `/api/v1/machines/${encodeURIComponent(query)}`
  return {
    list: () => askAll<MachineView>(socket, '/api/v1/machines', ({ id }) => id),
    page: query => askPage(socket, `/api/v1/machines?${parametersOf(query)}`),
    show: query => askJson<MachineView>(socket, 'GET', machine(query)),
    order: (query, action, order) => askJson<MachineView>(socket, 'POST', `${machine(query)}/${action}`, order),
    async orderAll(machines, action, order) {
      const outcome = await askJson<{ results: OrderResult[] }>(socket, 'POST', '/api/v1/orders', {
        ...{ action, machines },
        ...order,
      })
      if (!isProblem(outcome)) return outcome.results
      return machines.map(name => ({ machine: name, ok: false, problem: outcome }))
    },
    timeline: (query, after, most = TIMELINE_MOST) =>
      askJson<TimelineEntry[]>(socket, 'GET', `${machine(query)}/timeline?after=${after}&limit=${most}`),
    close: async () => {},
  }
}

function parametersOf({ state = [], search, limit, after }: MachinesQuery): string {
  const pairs = Object.entries({ search, limit, after }).filter(([, value]) => value !== undefined)
  const states = [state].flat().map(one => ['state', one])
  return new URLSearchParams([...states, ...pairs.map(([name, value]) => [name, String(value)])]).toString()
}

/** Whether an appliance listens there: a socket file may be left over from a crash. */
export async function isListening(socketPath: string): Promise<boolean> {
  return ask({ path: socketPath, user: '' }, 'GET', '/healthz').then(
    reply => reply.status === 200,
    () => false,
  )
}
