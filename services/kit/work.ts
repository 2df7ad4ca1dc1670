/**
 * Work that takes long and that people wait for: how far it is, at what rate, and how much time is left. One of each id at a time; who asks for
 * the same thing meanwhile waits for the same run. In memory only.
 */
import type { Clock, Instant } from './clock.ts'
import { isProblem } from './is-problem.ts'
import type { Problem } from './problem.ts'

export type WorkAbout = {
  /** The same for the same thing, run after run. */
  id: string
  what: string
  /** What it is done to, if there may be several. */
  subject?: string
  unit: 'bytes' | 'steps'
  total: number
  /** Whether it heeds the signal that it is given. */
  canCancel: boolean
}

export type Work = WorkAbout & {
  done: number
  /** What is under way, in words. */
  doing?: string
  startedAt: Instant
  /** When it was heard of last. */
  at: Instant
  /** Milliseconds that it takes at most, as of `at`; absent where only the rate tells. */
  leftMs?: number
  /** Absent while it runs. */
  end?: { at: Instant; outcome: 'done' | 'cancelled' } | { at: Instant; outcome: 'failed'; problem: Problem }
}

export type WorkNews = Partial<Pick<Work, 'done' | 'total' | 'doing' | 'leftMs'>>

/** How long what ended can still be asked for, in milliseconds. */
export const ENDED_KEPT_MS = 60_000

/** Units a second; 0 before a second has passed. */
export function workRate({ done, startedAt, at }: Work): number {
  const seconds = (at - startedAt) / 1000
  return seconds >= 1 ? done / seconds : 0
}

/** Milliseconds that are left, if that can be told. */
export function workLeftMs(work: Work, now: Instant): number | undefined {
  if (work.end) return undefined
  if (work.leftMs !== undefined) return Math.max(0, work.leftMs - (now - work.at))
  const rate = work.unit === 'bytes' ? workRate(work) : 0
  return rate > 0 ? Math.max(0, ((work.total - work.done) / rate) * 1000) : undefined
}

function failureOf(error: unknown): Problem {
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'work-failed', message, hint: 'try it again; the log says more', severity: 'error' }
}

type Running = { result: Promise<unknown>; cancel: AbortController }

export class WorkList {
  readonly #clock: Pick<Clock, 'now'>
  /** A piece of work is another object whenever there is news of it. */
  readonly #works = new Map<string, Work>()
  readonly #running = new Map<string, Running>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** What runs, and what ended a moment ago; in the order of their beginnings. */
  list(): Work[] {
    const old = this.#clock.now() - ENDED_KEPT_MS
    for (const { id, end } of this.#works.values()) if (end && end.at < old) this.#works.delete(id)
    return [...this.#works.values()]
  }

  isRunning(id: string): boolean {
    return this.#running.has(id)
  }

  find(id: string): Work | undefined {
    return this.list().find(work => work.id === id)
  }

  /** Begins, unless it runs already; the result is that of the run. A problem, or whatever is thrown, is a failure. */
  run<T>(about: WorkAbout, task: (tell: (news: WorkNews) => void, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { id } = about
    const running = this.#running.get(id)
    if (running) return running.result as Promise<T>
    const cancel = new AbortController()
    const now = this.#clock.now()
    this.#works.delete(id)
    this.#works.set(id, { ...about, done: 0, startedAt: now, at: now })
    const result = this.#follow(
      id,
      task(news => this.#tell(id, news), cancel.signal),
      cancel.signal,
    )
    this.#running.set(id, { result, cancel })
    return result
  }

  /** False if nothing of that id runs, or what runs can't be ended. */
  cancel(id: string): boolean {
    const running = this.#running.get(id)
    if (!running || !this.#works.get(id)?.canCancel) return false
    running.cancel.abort()
    return true
  }

  /** Ends what can be ended, and waits for it. */
  async close(): Promise<void> {
    const ending = [...this.#running].filter(([id]) => this.cancel(id)).map(([, { result }]) => result)
    await Promise.allSettled(ending)
  }

  #tell(id: string, news: WorkNews): void {
    const known = this.#works.get(id)
    if (known && !known.end) this.#works.set(id, { ...known, ...news, at: this.#clock.now() })
  }

  async #follow<T>(id: string, result: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      const value = await result
      this.#end(id, signal.aborted ? undefined : isProblem(value) ? value : 'done')
      return value
    } catch (error) {
      this.#end(id, signal.aborted ? undefined : failureOf(error))
      throw error
    }
  }

  /** @param how undefined if it was cancelled */
  #end(id: string, how: 'done' | Problem | undefined): void {
    this.#running.delete(id)
    const { doing: _doing, leftMs: _left, ...known } = this.#works.get(id)!
    const at = this.#clock.now()
    const end: NonNullable<Work['end']> = isProblem(how)
      ? { at, outcome: 'failed', problem: how }
      : { at, outcome: how ?? 'cancelled' }
    this.#works.set(id, { ...known, ...(how === 'done' ? { done: known.total } : {}), at, end })
  }
}
