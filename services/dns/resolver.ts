/**
 * One message in, one reply or nothing out: what was prepared if it still holds, else screen, decode, answer, forward, encode, in that order.
 * A reply that the slow way has made, and that would be the same for the next asker, is prepared for it.
 */
import { type Account, type Budget, type BudgetLimits, spend } from '../kit/budget.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import { type AnswerContext, answer, type Outcome, type Standing, standingOf } from './answer.ts'
import { decodeQuery, emptyReply, encodeHeaderReply, encodeReply, payloadLimit, type Query } from './codec.ts'
import type { Forwarded, Forwarder } from './forward.ts'
import { octetsFor, type PreparedReplies, type Rests } from './prepared.ts'
import type { DnsReason, ReplyReason } from './reasons.ts'
import { aliasRecords, relay } from './relay.ts'
import { RCODE, screen, silenceFor } from './screen.ts'

/** `bytes` is absent for a silence; `name` and `type` as soon as the question could be read. */
export type Resolved = { reason: DnsReason; bytes?: Uint8Array; name?: string; type?: number }

export type Resolver = {
  context: AnswerContext
  budget: Budget<Standing>
  /** Absent where every reply is to be made anew. */
  prepared?: PreparedReplies
  /** Absent when nothing is forwarded. */
  forwarder?: Forwarder
}

/** Replies: far above what a rack asks, far below what makes a borrowed address worth borrowing (J31). */
export const DEFAULT_BUDGET: BudgetLimits = { perSecond: 2000, burst: 4000, clients: 4096 }

const LARGEST_TCP_MESSAGE = 65_535

type Asking = { message: Uint8Array; client: Ipv4; standing: Standing; overTcp: boolean; now: number }

/** Answers at once what it can; only a question that goes upstream takes time. */
export function resolve(
  resolver: Resolver,
  message: Uint8Array,
  client: Ipv4,
  overTcp: boolean,
  now: number,
): Resolved | Promise<Resolved> {
  const silence = silenceFor(message)
  if (silence) return { reason: silence }
  const account: Account<Standing> | undefined = spend(resolver.budget, client, now)
  if (!account) return { reason: 'over-budget' }
  const standing = (account.standing ??= standingOf(resolver.context, client))
  const prepared =
    overTcp || !standing.served
      ? undefined
      : resolver.prepared?.find(message, { client, forwarding: standing.forwarding }, now)
  if (prepared) {
    const { reason, name, type } = prepared
    return { reason, bytes: octetsFor(prepared, message), name, type }
  }
  return resolveAnew(resolver, { message, client, standing, overTcp, now })
}

function resolveAnew(resolver: Resolver, asking: Asking): Resolved | Promise<Resolved> {
  const { message, client, overTcp } = asking
  const screened = screen(message)
  if (screened.verdict === 'silence') return { reason: screened.reason }
  if (screened.verdict === 'reply') {
    return { reason: screened.reason, bytes: encodeHeaderReply(message, screened.rcode) }
  }
  const { name, type } = screened.question
  const query = decodeQuery(message, screened.question)
  if (!query) return { reason: 'undecodable', bytes: encodeHeaderReply(message, RCODE.formerr), name, type }
  const outcome = answer(query, client, resolver.context)
  if (outcome.outcome === 'forward') return forward(resolver, query, outcome, asking)
  const bytes = encodeReply(query, outcome.reply, overTcp ? LARGEST_TCP_MESSAGE : payloadLimit(query))
  prepare(resolver, asking, { reason: outcome.reason, name, type, bytes }, outcome.rests)
  return { reason: outcome.reason, bytes, name, type }
}

function prepare(
  { prepared }: Resolver,
  { message, client, standing, overTcp }: Asking,
  reply: { reason: ReplyReason; name: string; type: number; bytes: Uint8Array },
  rests: Rests | undefined,
): void {
  if (rests && !overTcp) prepared?.keep(message, { client, forwarding: standing.forwarding }, { ...reply, rests })
}

type Forwarding = Extract<Outcome, { outcome: 'forward' }>

function forward(
  resolver: Resolver,
  query: Query,
  forwarding: Forwarding,
  asking: Asking,
): Resolved | Promise<Resolved> {
  const asked = resolver.forwarder?.ask(query, forwarding.question, asking.client) ?? 'forwarder-full'
  return asked instanceof Promise
    ? asked.then(told => relayed(resolver, query, forwarding, asking, told))
    : relayed(resolver, query, forwarding, asking, asked)
}

function relayed(resolver: Resolver, query: Query, { aliases }: Forwarding, asking: Asking, told: Forwarded): Resolved {
  const { name, type } = query.question
  const { message, overTcp, now } = asking
  if (typeof told === 'string') {
    return {
      reason: told,
      bytes: encodeReply(query, emptyReply(RCODE.servfail, true), LARGEST_TCP_MESSAGE),
      name,
      type,
    }
  }
  const { answer, since, until } = told
  // Who waited for upstream asked before there was an answer.
  const age = Math.floor((now - since) / 1000)
  const bytes = relay({ query, asked: message, aliases: aliases.flatMap(aliasRecords), answer, age, overTcp })
  const reply = { reason: 'forwarded' as const, name, type, bytes }
  // TTLs of our own aliases do not count down, so only what is upstream's alone is prepared.
  if (aliases.length === 0) prepare(resolver, asking, reply, { since, until })
  return reply
}
