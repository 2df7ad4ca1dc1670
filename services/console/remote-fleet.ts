/** The fleet of a running appliance, through its control socket. */
import { request } from 'node:http'
import { isProblem } from '../kit/is-problem.ts'
import { EnvironmentProblem, type Problem } from '../kit/problem.ts'
import type { Fleet } from './fleet.ts'
import type { MachineView, TimelineEntry } from './machine-view.ts'

const TIMEOUT_MS = 10_000

type Reply = { status: number; text: string }

function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  patienceMs = TIMEOUT_MS,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath, method, path, timeout: patienceMs, headers: { 'content-type': 'application/json' } },
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
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  patienceMs?: number,
): Promise<Reply> {
  return ask(socketPath, method, path, body, patienceMs).catch((error: unknown) => {
    const what = error instanceof Error ? error.message : String(error)
    throw new EnvironmentProblem(
      'control',
      `the appliance behind ${socketPath} went away: ${what}`,
      'start it again, then repeat the command',
    )
  })
}

/** What is there to read, as text. */
export async function askText(socketPath: string, path: string): Promise<string> {
  return (await askPresent(socketPath, 'GET', path)).text
}

export async function askJson<T>(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  patienceMs?: number,
): Promise<T | Problem> {
  const { status, text } = await askPresent(socketPath, method, path, body, patienceMs)
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
  const problem = (parsed as { problem?: unknown }).problem
  return isProblem(problem) ? problem : (parsed as T)
}

export function remoteFleet(socketPath: string): Fleet {
  const machine = (query: string): string => `/api/v1/machines/${encodeURIComponent(query)}`
  return {
    async list() {
      const views = await askJson<MachineView[]>(socketPath, 'GET', '/api/v1/machines')
      return isProblem(views) ? [] : views
    },
    show: query => askJson<MachineView>(socketPath, 'GET', machine(query)),
    order: (query, action, order) => askJson<MachineView>(socketPath, 'POST', `${machine(query)}/${action}`, order),
    timeline: (query, after) =>
      askJson<TimelineEntry[]>(socketPath, 'GET', `${machine(query)}/timeline?after=${after}`),
    close: async () => {},
  }
}

/** Whether an appliance listens there: a socket file may be left over from a crash. */
export async function isListening(socketPath: string): Promise<boolean> {
  return ask(socketPath, 'GET', '/healthz').then(
    reply => reply.status === 200,
    () => false,
  )
}
