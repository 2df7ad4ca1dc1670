/** The client of the API: JSON in and out, problems as values. Who is signed in, and since when not, is kept here because every answer may tell. */
import { signal } from '@preact/signals'
import type { SessionView } from '../../schema/session.ts'
import { type PageProblem, readProblem, UNREACHABLE } from './problem.ts'

/** `next`: where the rest of a list is. */
export type Outcome<T> = { ok: true; value: T; next?: string } | { ok: false; problem: PageProblem }

export type Access = { kind: 'asking' } | { kind: 'in'; session: SessionView } | { kind: 'out'; problem: PageProblem }

export const access = signal<Access>({ kind: 'asking' })

/** Orders can be slow: a rehearsal for each of 500 machines. */
const PATIENCE_MS = 60_000

function headersFor(method: string, body: unknown): Record<string, string> {
  const { value } = access
  return {
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(method !== 'GET' && value.kind === 'in' ? { 'x-csrf-token': value.session.csrf } : {}),
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

export async function call<T>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  patienceMs = PATIENCE_MS,
): Promise<Outcome<T>> {
  try {
    const response = await fetch(path, {
      method,
      headers: headersFor(method, body),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    })
    const value = await bodyOf(response)
    const next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1]
    if (response.ok) return { ok: true, value: value as T, ...(next === undefined ? {} : { next }) }
    const problem = readProblem(response.status, value)
    if (problem.code === 'not-signed-in') access.value = { kind: 'out', problem }
    return { ok: false, problem }
  } catch {
    return { ok: false, problem: UNREACHABLE }
  }
}

export const get = <T>(path: string): Promise<Outcome<T>> => call<T>('GET', path)
export const post = <T>(path: string, body: unknown, patienceMs?: number): Promise<Outcome<T>> =>
  call<T>('POST', path, body, patienceMs)

/** @returns the problem, if there is no way in with that */
export async function signIn(
  credentials: { name: string; password: string } | { link: string },
): Promise<PageProblem | undefined> {
  const answer = await post<SessionView>('/api/v1/session', credentials)
  if (!answer.ok) return answer.problem
  access.value = { kind: 'in', session: answer.value }
  return undefined
}

/** Who the browser is signed in as already; asked once, when the page opens. */
export async function askSession(): Promise<void> {
  const answer = await get<SessionView>('/api/v1/session')
  access.value = answer.ok ? { kind: 'in', session: answer.value } : { kind: 'out', problem: answer.problem }
}

export async function signOut(): Promise<void> {
  await call('DELETE', '/api/v1/session')
  await askSession()
}

export function canOrder(): boolean {
  const { value } = access
  return value.kind === 'in' && value.session.user.role === 'operator'
}
