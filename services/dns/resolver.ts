/** One message in, one reply or nothing out: screen, decode, answer, forward, encode, in that order. */
import type { Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import { type AnswerContext, answer } from './answer.ts'
import { type Budget, spend } from './budget.ts'
import { decodeQuery, emptyReply, encodeHeaderReply, encodeReply, payloadLimit, type Query } from './codec.ts'
import type { Forwarder } from './forward.ts'
import type { DnsReason } from './reasons.ts'
import { RCODE, screen } from './screen.ts'
import { adaptReply } from './upstream.ts'

/** `bytes` is absent for a silence; `name` and `type` as soon as the question could be read. */
export type Resolved = { reason: DnsReason; bytes?: Uint8Array; name?: string; type?: number }

export type Resolver = {
  context: AnswerContext
  budget: Budget
  /** Absent when nothing is forwarded. */
  forwarder?: Forwarder
}

const LARGEST_TCP_MESSAGE = 65_535

/** Answers at once what it can; only a forwarded question takes time. */
export function resolve(
  resolver: Resolver,
  message: Uint8Array,
  client: Ipv4,
  overTcp: boolean,
  now: Instant,
): Resolved | Promise<Resolved> {
  const screened = screen(message)
  if (screened.verdict === 'silence') return { reason: screened.reason }
  if (!spend(resolver.budget, client, now)) return { reason: 'over-budget' }
  if (screened.verdict === 'reply') {
    return { reason: screened.reason, bytes: encodeHeaderReply(message, screened.rcode) }
  }
  const { name, type } = screened.question
  const query = decodeQuery(message, screened.question)
  if (!query) return { reason: 'undecodable', bytes: encodeHeaderReply(message, RCODE.formerr), name, type }
  const limit = overTcp ? LARGEST_TCP_MESSAGE : payloadLimit(query)
  const outcome = answer(query, client, resolver.context)
  if (outcome.outcome === 'reply') {
    return { reason: outcome.reason, bytes: encodeReply(query, outcome.reply, limit), name, type }
  }
  return forward(resolver, query, message, overTcp)
}

async function forward(resolver: Resolver, query: Query, message: Uint8Array, overTcp: boolean): Promise<Resolved> {
  const { name, type } = query.question
  const asked = (await resolver.forwarder?.ask(query, overTcp)) ?? 'forwarder-full'
  const adapted = typeof asked === 'string' ? undefined : adaptReply(asked, query, message, overTcp)
  if (adapted) return { reason: 'forwarded', bytes: adapted, name, type }
  const reason = typeof asked === 'string' ? asked : 'upstream-silent'
  return { reason, bytes: encodeReply(query, emptyReply(RCODE.servfail, true), LARGEST_TCP_MESSAGE), name, type }
}
