/**
 * What a machine does again and again, with nothing between, is counted instead of kept. A machine that asks for an answer four times a second, for years, must fill neither
 * its timeline nor the disk (C13). Only facts that change nothing about the machine are counted away: its state stays the fold of what is kept. Pure.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Fact, MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'

/** The same words within so long are told once, and then how often they came. */
export const SAME_WITHIN_MS = 10 * 60_000
/** Facts of one machine and day that change nothing about it, whatever they say: an installation has about fifteen. */
export const DAY_MOST = 500
/** News of who it is, of one machine and day; an honest one has a handful in its life. */
export const NEWS_MOST = 100
/** What came beyond that is told once in so long. */
const TELL_EVERY_MS = 60 * 60_000
const DAY_MS = 24 * 60 * 60_000

/** How much a fact matters to its machine: a `trace` moves a time or a stage that the next boot moves again. */
export type Weight = 'change' | 'trace' | 'nothing'

function withoutTraces({ attempt, staticAddress, ...machine }: Machine): unknown {
  const { lastEventAt: _, stage: _stage, futile: _futile, address: _address, ...rest } = machine
  const kept = staticAddress && { ...staticAddress, at: 0 }
  if (!attempt) return { ...rest, kept }
  const { answeredAt: _answered, toldLocalAt: _told, backAt: _back, ...same } = attempt
  return { ...rest, kept, attempt: same }
}

export function weightOf(before: Machine | undefined, after: Machine): Weight {
  if (!before) return 'change'
  const { lastEventAt: _, ...was } = before
  const { lastEventAt: _now, ...is } = after
  if (isDeepStrictEqual(was, is)) return 'nothing'
  return isDeepStrictEqual(withoutTraces(before), withoutTraces(after)) ? 'trace' : 'change'
}

type Repeated = Extract<Fact, { type: 'repeated' }>
/** Something told once, and how often it came after that. */
type Run = { id: MachineId; words?: string; since: number; last: number; times: number }
type Day = { since: number; kept: number; news: number }

export class Repeats {
  /** Of one length each, so the oldest are the first. */
  readonly #runs = new Map<string, Run>()
  /** The keys of each machine's: an order begins it anew, and five hundred are ordered at once. */
  readonly #keys = new Map<MachineId, Set<string>>()
  readonly #beyond = new Map<MachineId, Run>()
  readonly #days = new Map<MachineId, Day>()
  /** Counts what happened to a machine: after it the same words tell something new, such as the loader of its next boot. */
  readonly #happened = new Map<MachineId, number>()

  /** Whether the fact is kept; else it was counted, and means no more than a sign of life. */
  keeps(id: MachineId, weight: Weight, words: string, at: number): boolean {
    const happened = this.#happened.get(id) ?? 0
    if (weight !== 'nothing') this.#happened.set(id, happened + 1)
    if (weight === 'change') return true
    const key = `${id} ${happened} ${words}`
    const run = weight === 'nothing' ? this.#runs.get(key) : undefined
    if (run && (run.times > 0 || at - run.since < SAME_WITHIN_MS)) {
      run.times += 1
      run.last = at
      return false
    }
    const day = this.#dayOf(id, at)
    if (day.kept >= DAY_MOST) {
      const { since, times } = this.#beyond.get(id) ?? { since: at, times: 0 }
      this.#beyond.set(id, { id, since, last: at, times: times + 1 })
      return false
    }
    day.kept += 1
    // The oldest stay the first.
    this.#end(id, key)
    if (weight === 'nothing') this.#begin(key, { id, words, since: at, last: at, times: 0 })
    return true
  }

  /** Whether it may still say something new of itself today. */
  hears(id: MachineId, at: number): boolean {
    const day = this.#dayOf(id, at)
    day.news += 1
    return day.news <= NEWS_MOST
  }

  /** What was counted and has to be told now; all of it with `at` infinite. */
  due(at: number): { id: MachineId; fact: Repeated }[] {
    const over: Run[] = []
    for (const [key, run] of this.#runs) {
      if (at - run.since < SAME_WITHIN_MS) break
      this.#end(run.id, key)
      over.push(run)
    }
    for (const [id, run] of this.#beyond) {
      if (at - run.since < TELL_EVERY_MS) continue
      this.#beyond.delete(id)
      over.push(run)
    }
    for (const [id, { since }] of this.#days) {
      if (at - since < DAY_MS) break
      this.#days.delete(id)
    }
    const told = over.filter(({ times }) => times > 0)
    return told.map(({ id, words, since, last, times }) => ({
      id,
      fact: {
        type: 'repeated',
        ...(words === undefined ? {} : { words }),
        times,
        seconds: Math.round((last - since) / 1000),
      },
    }))
  }

  forget(id: MachineId): void {
    for (const key of this.#keys.get(id) ?? []) this.#runs.delete(key)
    this.#keys.delete(id)
    this.#beyond.delete(id)
    this.#days.delete(id)
    this.#happened.delete(id)
  }

  #begin(key: string, run: Run): void {
    this.#runs.set(key, run)
    const keys = this.#keys.get(run.id)
    if (keys) keys.add(key)
    else this.#keys.set(run.id, new Set([key]))
  }

  #end(id: MachineId, key: string): void {
    if (!this.#runs.delete(key)) return
    const keys = this.#keys.get(id)
    keys?.delete(key)
    if (keys?.size === 0) this.#keys.delete(id)
  }

  #dayOf(id: MachineId, at: number): Day {
    const known = this.#days.get(id)
    if (known && at - known.since < DAY_MS) return known
    const day = { since: at, kept: 0, news: 0 }
    // The oldest stay the first.
    this.#days.delete(id)
    this.#days.set(id, day)
    return day
  }
}
