/** What one query from one client is told: the whole policy of the room, without sockets. Cites the clauses that shaped it. */
import { type Ipv4, type Prefix, prefixContains } from '../kit/ipv4.ts'
import { emptyReply, type OwnedSet, type Query, type Reply } from './codec.ts'
import { isHostLabel, relativeTo } from './name.ts'
import type { ReplyReason } from './reasons.ts'
import { RCODE } from './screen.ts'
import {
  addressOfReverse,
  type InstallerName,
  installerName,
  negativeSoa,
  type RecordData,
  type RecordSet,
  TYPE,
  type Zone,
  type ZoneNode,
  type Zones,
  zoneFor,
} from './zone.ts'

/** What DNS asks of the rest of the appliance. Host names are one label, relative to the domain. */
export interface DnsView {
  /** Where the installer on this machine finds its answer; absent while no attempt expects it. */
  answerFor(client: Ipv4): { url: string; fingerprint: string } | undefined
  addressOf(host: string): Ipv4 | undefined
  nameOf(address: Ipv4): string | undefined
}

export type AnswerContext = {
  domain: string
  zones: Zones
  /** Clients that are served at all (J31), and those for whom other names are looked up. */
  served: readonly Prefix[]
  forwarding: readonly Prefix[]
  /** TTL of names that live as long as a lease, seconds (J33). */
  hostTtl: number
  view: DnsView
}

export type Outcome =
  | { outcome: 'reply'; reason: ReplyReason; reply: Reply }
  /** The forwarder asks upstream; always for a client it is meant for. */
  | { outcome: 'forward' }

const CLASS_IN = 1
const LONGEST_CHAIN = 8
const LONGEST_CHARACTER_STRING = 255

/** Total: every decoded query has an outcome. */
export function answer(query: Query, client: Ipv4, context: AnswerContext): Outcome {
  const { question } = query
  const recursion = isIn(context.forwarding, client)
  const refuse = (reason: ReplyReason): Outcome => ({
    outcome: 'reply',
    reason,
    reply: emptyReply(RCODE.refused, recursion),
  })
  if (!isIn(context.served, client) && !recursion) return refuse('foreign-client')
  if (query.edns && query.edns.version > 0) {
    return { outcome: 'reply', reason: 'edns-version', reply: emptyReply(RCODE.badvers, recursion) }
  }
  if (question.class !== CLASS_IN) return refuse('foreign-class')
  const zone = zoneFor(context.zones, question.key)
  if (zone) return answerFromZone(query, client, zone, context, recursion)
  // A query that does not ask for recursion wants what we know ourselves, and that is nothing.
  return recursion && query.recursionDesired ? { outcome: 'forward' } : refuse('outside-zone')
}

function isIn(prefixes: readonly Prefix[], address: Ipv4): boolean {
  return prefixes.some(prefix => prefixContains(prefix, address))
}

function answerFromZone(
  query: Query,
  client: Ipv4,
  zone: Zone,
  context: AnswerContext,
  recursionAvailable: boolean,
): Outcome {
  const make = (reason: ReplyReason, part: Partial<Reply>): Outcome => ({
    outcome: 'reply',
    reason,
    reply: { rcode: RCODE.ok, authoritative: true, recursionAvailable, answers: [], authorities: [], ...part },
  })
  const negative: OwnedSet = { owner: zone.apex, ...negativeSoa(zone) }
  const asked = installerName(query.question.key, context.domain)
  if (asked && (query.question.type === TYPE.TXT || query.question.type === TYPE.ANY)) {
    const found = installerText(asked, client, context.view)
    if (typeof found === 'string') return make(found, { authorities: [negative] })
    return make('answer-given', { answers: [{ owner: query.question.name, ttl: 0, data: [found] }] })
  }
  const found = follow(query, zone, context)
  // An alias to a missing name is an answer and NXDOMAIN at once (RFC 6604 §3).
  const rcode = found.exists ? RCODE.ok : RCODE.nxdomain
  if (found.complete) return make('record', { answers: found.answers })
  const reason = found.exists ? 'no-such-type' : 'no-such-name'
  return make(reason, { answers: found.answers, rcode, authorities: [negative] })
}

/**
 * The installer prints the answer with `dig +short` and takes what it prints: one record of one string, never an alias,
 * and nothing that dig escapes, or it asks a wrong URL. Two records would print two lines.
 */
function installerText(
  asked: InstallerName,
  client: Ipv4,
  view: DnsView,
): RecordData | 'no-answer-due' | 'unusable-answer' {
  const due = view.answerFor(client)
  if (!due) return 'no-answer-due'
  const text = due[asked]
  const usable = text.length <= LONGEST_CHARACTER_STRING && /^[!-~]+$/.test(text) && !/["\\;]/.test(text)
  return usable ? { type: 'TXT', text } : 'unusable-answer'
}

/** `complete`: the answers end in what was asked for, or in an alias that leaves our zones. */
type Found = { answers: OwnedSet[]; exists: boolean; complete: boolean }

/** Follows aliases inside our zones, a bounded number of times (J16); outside them the alias alone is the answer. */
function follow(query: Query, start: Zone, context: AnswerContext): Found {
  const answers: OwnedSet[] = []
  let owner = query.question.name
  let key = query.question.key
  let zone: Zone | undefined = start
  for (let step = 0; step < LONGEST_CHAIN && zone; step += 1) {
    const node = nodeAt(zone, key, context)
    if (!node) return { answers, exists: false, complete: false }
    const set = pick(node, query.question.type)
    if (set) return { answers: [...answers, { owner, ...set }], exists: true, complete: true }
    const alias = node.get(TYPE.CNAME)
    const target = alias?.data[0]
    if (!alias || target?.type !== 'CNAME') return { answers, exists: true, complete: false }
    answers.push({ owner, ...alias })
    owner = target.target
    key = owner
    zone = zoneFor(context.zones, key)
  }
  return { answers, exists: true, complete: true }
}

/** ANY is answered by one record set of the name (RFC 8482 §4.1, J18). */
function pick(node: ZoneNode, type: number): RecordSet | undefined {
  if (type !== TYPE.ANY) return node.get(type)
  return node.get(TYPE.A) ?? node.values().next().value
}

/** What stands in the site file hides what machines are called (J32). */
function nodeAt(zone: Zone, key: string, context: AnswerContext): ZoneNode | undefined {
  const written = zone.nodes.get(key)
  if (written && written.size > 0) return written
  return machineNode(zone, key, context) ?? written ?? betweenOctets(zone, key)
}

function machineNode(zone: Zone, key: string, context: AnswerContext): ZoneNode | undefined {
  const { domain, hostTtl, view } = context
  if (zone.kind === 'domain') {
    const label = relativeTo(key, domain)
    const address = label && isHostLabel(label) && !installerName(key, domain) ? view.addressOf(label) : undefined
    return address && new Map([[TYPE.A, { ttl: hostTtl, data: [{ type: 'A', address }] }]])
  }
  const address = zone.kind === 'reverse' ? addressOfReverse(key) : undefined
  const name = address && address !== 'partial' ? view.nameOf(address) : undefined
  if (!name || !isHostLabel(name)) return undefined
  return new Map([[TYPE.PTR, { ttl: hostTtl, data: [{ type: 'PTR', target: `${name.toLowerCase()}.${domain}` }] }]])
}

/** Machines come and go below it, so a name between two octets of a reverse zone always exists (RFC 8020 §2). */
function betweenOctets(zone: Zone, key: string): ZoneNode | undefined {
  return zone.kind === 'reverse' && addressOfReverse(key) === 'partial' ? new Map() : undefined
}
