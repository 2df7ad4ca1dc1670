/** Upstream answers that are asked for again, each under its own question and no other: bounded in number and octets, and gone when their TTL is. */
import type { UpstreamAnswer } from './upstream.ts'

/** A rack installs from a few mirrors; a thousandth of this serves it. */
const MOST = { answers: 4096, octets: 4 * 1024 * 1024 }

/** What an entry and a record cost beside their octets, roughly. */
const RECORD_OVERHEAD = 200

export type Cached = { answer: UpstreamAnswer; since: number; until: number; octets: number }

export type Cache = { answers: Map<string, Cached>; octets: number }

export function newCache(): Cache {
  return { answers: new Map(), octets: 0 }
}

/** The answer kept for this question while its TTL runs; `now`, here and below, is of the count that nobody sets. */
export function findAnswer(cache: Cache, key: string, now: number): Cached | undefined {
  const cached = cache.answers.get(key)
  if (!cached) return undefined
  if (now < cached.until) return cached
  drop(cache, key, cached)
  return undefined
}

/** Keeps an answer for its TTL; what has none is not kept. The answer that was kept first makes room. */
export function keepAnswer(cache: Cache, key: string, answer: UpstreamAnswer, now: number): void {
  const before = cache.answers.get(key)
  if (before) drop(cache, key, before)
  const octets = octetsOf(key, answer)
  if (answer.ttl <= 0 || octets > MOST.octets) return
  cache.answers.set(key, { answer, since: now, until: now + answer.ttl * 1000, octets })
  cache.octets += octets
  for (const [oldest, cached] of cache.answers) {
    if (cache.answers.size <= MOST.answers && cache.octets <= MOST.octets) return
    drop(cache, oldest, cached)
  }
}

function drop(cache: Cache, key: string, cached: Cached): void {
  cache.answers.delete(key)
  cache.octets -= cached.octets
}

function octetsOf(key: string, answer: UpstreamAnswer): number {
  const records = [...answer.answers, ...answer.authorities]
  return records.reduce(
    (sum, { owner, data }) => sum + 2 * owner.length + data.length + RECORD_OVERHEAD,
    key.length + RECORD_OVERHEAD,
  )
}
