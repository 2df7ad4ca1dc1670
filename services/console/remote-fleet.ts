/** The fleet of a running appliance, through its control socket. */
import { request } from 'node:http'
import { isProblem } from '../kit/is-problem.ts'
import { EnvironmentProblem, type Problem } from '../kit/problem.ts'
import type { Fleet } from './fleet.ts'
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

type Reply = { status: number; text: string }

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
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
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

export async function askJson<T>(
  socket: ControlSocket,
  method: string,
  path: string,
  body?: unknown,
  patienceMs?: number,
): Promise<T | Problem> {
  const { status, text } = await askPresent(socket, method, path, body, patienceMs)
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

export function remoteFleet(socket: ControlSocket): Fleet {
  const machine = (query: string): string => `/api/v1/machines/${encodeURIComponent(query)}`
  const page = (query: MachinesQuery): Promise<MachineView[] | Problem> =>
    askJson<MachineView[]>(socket, 'GET', `/api/v1/machines?${parametersOf(query)}`)
  return {
    async list() {
      const views = await page({})
      return isProblem(views) ? [] : views
    },
    page,
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
