/** The fleet of a running appliance, through its control socket. */
import { request } from 'node:http'
import { isProblem } from '../kit/is-problem.ts'
import { EnvironmentProblem, type Problem } from '../kit/problem.ts'
import type { Fleet, ViewPage } from './fleet.ts'
import { USER_HEADER } from './principal.ts'
import { problemIn } from './problem-details.ts'
import {
  type MachinesQuery,
  type MachineView,
  type OrderResult,
  TIMELINE_MOST,
  type TimelineEntry,
} from './schema/machine.ts'

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

async function askPage(socket: ControlSocket, query: MachinesQuery): Promise<ViewPage | Problem> {
  const path = `/api/v1/machines?${parametersOf(query)}`
  const reply = await askPresent(socket, 'GET', path)
  const views = readReply<MachineView[]>(reply, 'GET', path)
  return isProblem(views) ? views : { views, hasMore: reply.link?.includes('rel="next"') ?? false }
}

/** A machine that ends a page and is forgotten before the next one is asked for: then from the beginning. */
const BEGINNINGS_MOST = 5

/** All pages, one after the other. */
async function askAll(socket: ControlSocket): Promise<MachineView[]> {
  for (let beginnings = 0; beginnings < BEGINNINGS_MOST; beginnings++) {
    const all = new Map<string, MachineView>()
    let after: string | undefined
    for (;;) {
      const page = await askPage(socket, after === undefined ? {} : { after })
      if (isProblem(page)) break
      for (const view of page.views) all.set(view.id, view)
      if (!page.hasMore) return [...all.values()]
      after = page.views.at(-1)!.id
    }
  }
  throw new EnvironmentProblem(
    'control',
    `the list of machines broke off ${BEGINNINGS_MOST} times: its pages ended with machines that were forgotten meanwhile`,
    'repeat the command',
  )
}

export function remoteFleet(socket: ControlSocket): Fleet {
  const machine = (query: string): string => `/api/v1/machines/${encodeURIComponent(query)}`
  return {
    list: () => askAll(socket),
    page: query => askPage(socket, query),
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
