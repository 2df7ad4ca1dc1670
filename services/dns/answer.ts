/** What one query from one client is told: the whole policy of the room, without sockets. Cites the clauses that shaped it. */
import { type Ipv4, type Prefix, prefixContains } from '../kit/ipv4.ts'
import { emptyReply, type OwnedSet, type Query, type Reply } from './codec.ts'
import { isHostName, parentOf, relativeTo } from './name.ts'
import type { Rests } from './prepared.ts'
import type { ReplyReason } from './reasons.ts'
import { CLASS_IN, type Question, type Rcode, RCODE } from './screen.ts'
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

/** What DNS asks of the rest of the appliance. Names are full, in lower case. */
export interface DnsView {
  /** Where the installer on this machine finds its answer; absent while no attempt expects it. */
  answerFor(client: Ipv4): { url: string; fingerprint: string } | undefined
  /** The address of the machine of that name, while it has one. */
  addressOf(name: string): Ipv4 | undefined
  nameOf(address: Ipv4): string | undefined
  /** Some machine's name is below this one. */
  isAbove(name: string): boolean
}

/** What a client may have: `served` at all (J31), and `forwarding` for names that are not ours. */
export type Standing = { served: boolean; forwarding: boolean }

export type AnswerContext = {
  domain: string
  zones: Zones
  served: readonly Prefix[]
  forwarding: readonly Prefix[]
  /** TTL of names that live as long as a lease, seconds (J33). */
  hostTtl: number
  view: DnsView
}

/** `rests`: what the reply rests on, if the same question may be given the same reply again; absent for what is never the same twice. */
type Replied = { outcome: 'reply'; reason: ReplyReason; reply: Reply; rests?: Rests }

export type Outcome =
  | Replied
  /** The forwarder asks upstream, for a client it is meant for, and puts the aliases of our zones in front. */
  | { outcome: 'forward'; question: Question; aliases: OwnedSet[] }

const LONGEST_CHAIN = 8
const LONGEST_CHARACTER_STRING = 255

export function standingOf(context: AnswerContext, client: Ipv4): Standing {
  const forwarding = isIn(context.forwarding, client)
  return { served: forwarding || isIn(context.served, client), forwarding }
}

function isIn(prefixes: readonly Prefix[], address: Ipv4): boolean {
  return prefixes.some(prefix => prefixContains(prefix, address))
}

/** Total: every decoded query has an outcome. */
export function answer(query: Query, client: Ipv4, context: AnswerContext): Outcome {
  const { question } = query
  const { served, forwarding } = standingOf(context, client)
  const refuse = (reason: ReplyReason, rcode: Rcode = RCODE.refused): Outcome => ({
    outcome: 'reply',
    reason,
    reply: emptyReply(rcode, forwarding),
  })
  if (!served) return refuse('foreign-client')
  if (query.edns && query.edns.version > 0) return refuse('edns-version', RCODE.badvers)
  if (question.class !== CLASS_IN) return refuse('foreign-class')
  const zone = zoneFor(context.zones, question.key)
  if (zone) return answerFromZone(query, client, zone, context, forwarding)
  // A query that does not ask for recursion wants what we know ourselves, and that is nothing.
  return forwarding && query.recursionDesired ? { outcome: 'forward', question, aliases: [] } : refuse('outside-zone')
}

function answerFromZone(
  query: Query,
  client: Ipv4,
  zone: Zone,
  context: AnswerContext,
  recursionAvailable: boolean,
): Outcome {
  const make = (reason: ReplyReason, part: Partial<Reply>): Replied => ({
    outcome: 'reply',
    reason,
    reply: { rcode: RCODE.ok, authoritative: true, recursionAvailable, answers: [], authorities: [], ...part },
  })
  const { question } = query
  const negative: OwnedSet = { owner: zone.apex, ...negativeSoa(zone) }
  const asked = installerName(question.key, context.domain)
  if (asked && (question.type === TYPE.TXT || question.type === TYPE.ANY)) {
    const found = installerText(asked, client, context.view)
    if (typeof found === 'string') return make(found, { authorities: [negative] })
    const ofClient = (): boolean => {
      const again = installerText(asked, client, context.view)
      return typeof again !== 'string' && again.text === found.text
    }
    return {
      ...make('answer-given', { answers: [{ owner: question.key, ttl: 0, data: [found] }] }),
      rests: { ofClient },
    }
  }
  const found = follow(question, zone, context)
  if (found.leaves !== undefined && recursionAvailable && query.recursionDesired) {
    const away = { ...question, name: found.leaves, key: found.leaves }
    return { outcome: 'forward', question: away, aliases: found.answers }
  }
  const rests = found.rests ? { rests: found.rests } : {}
  if (found.complete) return { ...make('record', { answers: found.answers }), ...rests }
  // An alias to a missing name is an answer and NXDOMAIN at once (RFC 6604 §3), and the SOA is that of the zone where it ends.
  const rcode = found.exists ? RCODE.ok : RCODE.nxdomain
  const authorities: OwnedSet[] = [{ owner: found.zone.apex, ...negativeSoa(found.zone) }]
  const reason = found.exists ? 'no-such-type' : 'no-such-name'
  return { ...make(reason, { answers: found.answers, rcode, authorities }), ...(found.exists ? rests : {}) }
}

/**
 * The installer prints the answer with `dig +short` and takes what it prints: one record of one string, never an alias,
 * and nothing that dig escapes, or it asks a wrong URL. Two records would print two lines.
 */
function installerText(
  asked: InstallerName,
  client: Ipv4,
  view: DnsView,
): Extract<RecordData, { type: 'TXT' }> | 'no-answer-due' | 'unusable-answer' {
  const due = view.answerFor(client)
  if (!due) return 'no-answer-due'
  const text = due[asked]
  const usable = text.length <= LONGEST_CHARACTER_STRING && /^[!-~]+$/.test(text) && !/["\\;]/.test(text)
  return usable ? { type: 'TXT', text } : 'unusable-answer'
}

/** `complete`: the answers end in what was asked for, or in an alias out of our zones, to the name that `leaves`. `zone` is where it ends. */
type Found = { answers: OwnedSet[]; exists: boolean; complete: boolean; leaves?: string; zone: Zone; rests?: Rests }

/** Follows aliases inside our zones, a bounded number of times (J16). */
function follow(question: Question, start: Zone, context: AnswerContext): Found {
  const answers: OwnedSet[] = []
  let owner = question.key
  let zone: Zone | undefined = start
  let last = start
  let rests: Rests | undefined = 'on-site'
  for (let step = 0; step < LONGEST_CHAIN && zone; step += 1) {
    last = zone
    const at = nodeAt(zone, owner, context)
    if (!at) return { answers, exists: false, complete: false, zone }
    rests = both(rests, at.rests)
    const set = pick(at.node, question.type)
    const found = { answers, exists: true, zone, ...(rests ? { rests } : {}) }
    if (set) return { ...found, answers: [...answers, { owner, ...set }], complete: true }
    const alias = at.node.get(TYPE.CNAME)
    const target = alias?.data[0]
    if (!alias || target?.type !== 'CNAME') return { ...found, complete: false }
    answers.push({ owner, ...alias })
    owner = target.target
    zone = zoneFor(context.zones, owner)
  }
  const found = { answers, exists: true, complete: true, zone: last, ...(rests ? { rests } : {}) }
  return zone ? found : { ...found, leaves: owner }
}

function both(one: Rests | undefined, other: Rests | undefined): Rests | undefined {
  if (one === 'on-site') return other
  if (other === 'on-site' || !one || !other) return other && one
  return typeof one === 'function' && typeof other === 'function' ? () => one() && other() : undefined
}

/** ANY is answered by one record set of the name (RFC 8482 §4.1, J18). */
function pick(node: ZoneNode, type: number): RecordSet | undefined {
  if (type !== TYPE.ANY) return node.get(type)
  return node.get(TYPE.A) ?? node.values().next().value
}

type NodeAt = { node: ZoneNode; rests?: Rests }

/** What stands in the site file hides what machines are called (J32), and both hide what stands at `*`. */
function nodeAt(zone: Zone, key: string, context: AnswerContext): NodeAt | undefined {
  return existing(zone, key, context) ?? fromWildcard(zone, key, context)
}

function existing(zone: Zone, key: string, context: AnswerContext): NodeAt | undefined {
  const written = zone.nodes.get(key)
  if (written && written.size > 0) return { node: written, rests: 'on-site' }
  const machine = machineNode(zone, key, context)
  if (machine) return machine
  if (written || betweenOctets(zone, key)) return { node: written ?? new Map() }
  return zone.kind === 'domain' && context.view.isAbove(key) ? { node: new Map() } : undefined
}

/** RFC 4592 §3.3.1: the `*` below the nearest name that exists, and no other. Names that it makes up are endless, so they rest on nothing. */
function fromWildcard(zone: Zone, key: string, context: AnswerContext): NodeAt | undefined {
  let encloser = parentOf(key)
  while (encloser !== zone.apex && !existing(zone, encloser, context)) {
    encloser = parentOf(encloser)
    if (encloser === '') return undefined
  }
  const node = zone.nodes.get(`*.${encloser}`)
  return node && { node }
}

/** A machine's own name, while the machine has an address. */
function machineNode(zone: Zone, key: string, { domain, hostTtl, view }: AnswerContext): NodeAt | undefined {
  if (zone.kind === 'domain') {
    if (key === domain || installerName(key, domain) || !isHostName(relativeTo(key, domain) ?? '')) return undefined
    const address = view.addressOf(key)
    if (!address) return undefined
    const node: ZoneNode = new Map([[TYPE.A, { ttl: hostTtl, data: [{ type: 'A', address }] }]])
    return { node, rests: () => view.addressOf(key) === address }
  }
  const address = zone.kind === 'reverse' ? addressOfReverse(key) : undefined
  const name = address && address !== 'partial' ? view.nameOf(address) : undefined
  if (!address || address === 'partial' || !name || !isHostName(name)) return undefined
  const node: ZoneNode = new Map([[TYPE.PTR, { ttl: hostTtl, data: [{ type: 'PTR', target: name }] }]])
  return { node, rests: () => view.nameOf(address) === name }
}

/** Machines come and go below it, so a name between two octets of a reverse zone always exists (RFC 8020 §2). */
function betweenOctets(zone: Zone, key: string): boolean {
  return zone.kind === 'reverse' && addressOfReverse(key) === 'partial'
}
