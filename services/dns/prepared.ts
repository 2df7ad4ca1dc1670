/**
 * Replies that were given once and are given again: the fast way. A query that asks the same as an earlier one gets a copy of that reply with its
 * own ID and its own spelling of the name, without being decoded; everything unusual takes the slow way, which alone decides what a reply says.
 * Replies of the zone stay as long as what they rest on stays; replies from upstream count their TTLs down.
 */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { ReplyReason } from './reasons.ts'
import { CLASS_IN, HEADER_LENGTH, TYPE_OPT, uint16, walkRecord } from './screen.ts'

const LONGEST_LABEL = 63
const LONGEST_NAME = 255
const OPT_LENGTH = 11
const DNSSEC_OK = 0x80
/** No client has less room than this, so what it announces does not matter (J23, J24). */
const LONGEST_REPLY = 512
/** More names than a rack asks for; the one that was kept first is forgotten first. */
const MOST_REPLIES = 4096

/** Everything but the name, type and class that a reply depends on. */
const VARIANT = { recursionDesired: 1, checkingDisabled: 2, edns: 4, dnssec: 8, recursionAvailable: 16 } as const

/**
 * What a reply rests on: the site, which has other replies when it is another one; something that can be asked; upstream's word until an instant; or who asks, which makes
 * it a reply for that one client, beside something that can be asked.
 */
export type Rests = 'on-site' | (() => boolean) | { since: number; until: number } | { ofClient: () => boolean }

/** Who asks, and whether it may have other names than ours. */
export type Asker = { client: Ipv4; forwarding: boolean }

export type PreparedReply = {
  reason: ReplyReason
  name: string
  type: number
  rests: Rests
  /** The question from its name to its class with letters folded, and its variant. */
  question: Uint8Array
  variant: number
  bytes: Uint8Array
  /** Where TTLs of upstream stand, what they were, and how many seconds have been taken off. */
  ttls: { offset: number; seconds: number }[]
  age: number
}

/** Where the name and the question of a usual query end, its variant, and a number that is the same for the same question. */
type Usual = { nameEnd: number; end: number; variant: number; hash: number }

export class PreparedReplies {
  readonly #replies = new Map<number, PreparedReply>()
  /** Those of one client each. */
  readonly #ofClients = new Map<string, PreparedReply>()

  get size(): number {
    return this.#replies.size + this.#ofClients.size
  }

  /** The reply kept for this query, if it still holds; `octetsFor` makes it this query's own. */
  find(query: Uint8Array, { client, forwarding }: Asker, now: number): PreparedReply | undefined {
    const usual = readUsual(query, forwarding)
    if (!usual) return undefined
    return (
      heldIn(this.#replies, usual.hash, query, usual, now) ??
      heldIn(this.#ofClients, keyOf(usual.hash, client), query, usual, now)
    )
  }

  /** Keeps what the slow way said to this query, if the query is a usual one and the reply fits everybody. */
  keep(
    query: Uint8Array,
    { client, forwarding }: Asker,
    reply: Pick<PreparedReply, 'reason' | 'name' | 'type' | 'rests' | 'bytes'>,
  ): void {
    const usual = readUsual(query, forwarding)
    if (!usual || reply.bytes.length > LONGEST_REPLY) return
    const { nameEnd, end, variant, hash } = usual
    const question = query
      .slice(HEADER_LENGTH, end)
      .map((octet, at) => (HEADER_LENGTH + at < nameEnd ? fold(octet) : octet))
    const bytes = Uint8Array.from(reply.bytes)
    const { rests } = reply
    const ttls = typeof rests === 'object' && 'since' in rests ? ttlsOf(bytes, end) : []
    const kept: PreparedReply = { ...reply, bytes, question, variant, ttls, age: 0 }
    if (typeof rests === 'object' && 'ofClient' in rests) setLast(this.#ofClients, keyOf(hash, client), kept)
    else setLast(this.#replies, hash, kept)
  }
}

function keyOf(hash: number, client: Ipv4): string {
  return `${hash} ${client}`
}

function setLast<Key>(replies: Map<Key, PreparedReply>, key: Key, reply: PreparedReply): void {
  replies.delete(key)
  replies.set(key, reply)
  if (replies.size > MOST_REPLIES) replies.delete(replies.keys().next().value!)
}

function heldIn<Key>(
  replies: Map<Key, PreparedReply>,
  key: Key,
  query: Uint8Array,
  usual: Usual,
  now: number,
): PreparedReply | undefined {
  const reply = replies.get(key)
  if (!reply || reply.variant !== usual.variant || !asksFor(query, usual, reply.question)) return undefined
  if (holds(reply, now)) return reply
  replies.delete(key)
  return undefined
}

/** The kept reply with the ID and the spelling of this query (J08, J09). */
export function octetsFor(reply: PreparedReply, query: Uint8Array): Uint8Array {
  const octets = Buffer.allocUnsafe(reply.bytes.length)
  octets.set(reply.bytes)
  octets[0] = query[0]!
  octets[1] = query[1]!
  for (let at = HEADER_LENGTH, end = HEADER_LENGTH + reply.question.length; at < end; at += 1) octets[at] = query[at]!
  return octets
}

function holds(reply: PreparedReply, now: number): boolean {
  const { rests } = reply
  if (rests === 'on-site') return true
  if (typeof rests === 'function') return rests()
  if ('ofClient' in rests) return rests.ofClient()
  if (now >= rests.until) return false
  const age = Math.floor((now - rests.since) / 1000)
  if (age !== reply.age) {
    const view = new DataView(reply.bytes.buffer, reply.bytes.byteOffset)
    for (const { offset, seconds } of reply.ttls) view.setUint32(offset, Math.max(0, seconds - age))
    reply.age = age
  }
  return true
}

function fold(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
}

/** Octets of type and class are no letters: HTTPS is 65, which is not 97. */
function asksFor(query: Uint8Array, { nameEnd, end }: Usual, question: Uint8Array): boolean {
  if (end - HEADER_LENGTH !== question.length) return false
  for (let at = HEADER_LENGTH; at < nameEnd; at += 1)
    if (fold(query[at]!) !== question[at - HEADER_LENGTH]) return false
  for (let at = nameEnd; at < end; at += 1) if (query[at] !== question[at - HEADER_LENGTH]) return false
  return true
}

/**
 * Undefined for what has to be looked at closely: a flag that is not RD, CD or AD, other sections, an EDNS version, options that
 * are cut off, a name that is compressed or too long.
 */
function readUsual(query: Uint8Array, recursionAvailable: boolean): Usual | undefined {
  const head = query[2]! & 0xfe || query[3]! & 0xcf || query[4]! || query[6]! || query[7]! || query[8]! || query[9]!
  if (head || query[5] !== 1 || query[10] || query[11]! > 1 || query.length > LONGEST_REPLY) return undefined
  const nameEnd = endOfName(query)
  const end = nameEnd + 4
  if (nameEnd === 0 || end > query.length || query[end - 2] || query[end - 1] !== CLASS_IN) return undefined
  const edns = query[11] === 1
  if (edns ? !isPlainOpt(query, end) : query.length !== end) return undefined
  const variant =
    (query[2]! & 1 && VARIANT.recursionDesired) |
    (query[3]! & 0x10 && VARIANT.checkingDisabled) |
    (edns ? VARIANT.edns | (query[end + 7]! & DNSSEC_OK && VARIANT.dnssec) : 0) |
    (recursionAvailable ? VARIANT.recursionAvailable : 0)
  return { nameEnd, end, variant, hash: hashOf(query, nameEnd, variant) }
}

const FNV_START = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a over name, type and variant. Thirty bits are what a map finds fastest; two questions with one number take turns. */
function hashOf(query: Uint8Array, nameEnd: number, variant: number): number {
  let hash = FNV_START
  for (let at = HEADER_LENGTH; at < nameEnd; at += 1) hash = Math.imul(hash ^ fold(query[at]!), FNV_PRIME)
  hash = Math.imul(hash ^ query[nameEnd]!, FNV_PRIME)
  hash = Math.imul(hash ^ query[nameEnd + 1]!, FNV_PRIME)
  return Math.imul(hash ^ variant, FNV_PRIME) >>> 2
}

/** Offset behind the name of the question; 0 for a name that is not plain. */
function endOfName(query: Uint8Array): number {
  let at = HEADER_LENGTH
  while (at < query.length) {
    const length = query[at]!
    if (length === 0) return at + 1
    at += length + 1
    if (length > LONGEST_LABEL || at - HEADER_LENGTH >= LONGEST_NAME) return 0
  }
  return 0
}

/** One OPT of version 0 whose options end where the message ends. */
function isPlainOpt(query: Uint8Array, start: number): boolean {
  const end = query.length
  if (start + OPT_LENGTH > end || query[start] || query[start + 1] || query[start + 2] !== TYPE_OPT) return false
  if (query[start + 5] || query[start + 6]) return false
  let at = start + OPT_LENGTH
  if (at + uint16(query, start + 9) !== end) return false
  while (at + 4 <= end) at += 4 + uint16(query, at + 2)
  return at === end
}

/** The TTLs of all records but the OPT, which has none. */
function ttlsOf(message: Uint8Array, start: number): PreparedReply['ttls'] {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const ttls = []
  for (let record = walkRecord(message, start); record; record = walkRecord(message, record.end)) {
    if (record.type !== TYPE_OPT) ttls.push({ offset: record.body - 6, seconds: view.getUint32(record.body - 6) })
  }
  return ttls
}
