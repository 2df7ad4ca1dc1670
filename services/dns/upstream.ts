/**
 * What an upstream resolver said, reduced to what was asked (RFC 5452 §6): the records of the name and of what it is an alias for, and for a
 * negative answer the authority section that says how long it holds. Nothing else of a reply is kept or passed on: no additional records, no
 * authority beside a positive answer. Names inside records are written out, so that the records can stand in another message.
 */
import { encodeName, foldCase, parentOf, walkName } from './name.ts'
import { HEADER_LENGTH, type Question, RCODE, TYPE_OPT, uint16, type WalkedRecord, walkRecord } from './screen.ts'

const MOST_RECORDS = 512
const LARGEST_MESSAGE = 65_535
/** Pointer to the owner, type, class, TTL and length of the data. */
const RECORD_HEAD = 12
/** Longer chains are somebody's joke, and every link is one more place to lie. */
const MOST_ALIASES = 16
/** A day at most, so that what upstream got wrong ends; and what was missing a moment ago is looked for again soon. */
const LONGEST_TTL_S = 86_400
const LONGEST_NEGATIVE_TTL_S = 300

const TYPE_CNAME = 5
const TYPE_SOA = 6
const TYPE_DNAME = 39
const TYPE_RRSIG = 46
const TYPE_ANY = 255

/** One record with the names in it written out. `key` is the owner with letters folded. */
export type WireRecord = { owner: string; key: string; type: number; class: number; ttl: number; data: Uint8Array }

export type UpstreamAnswer = {
  rcode: 0 | 3
  answers: WireRecord[]
  authorities: WireRecord[]
  /** Seconds that it may be kept; 0 for not at all. */
  ttl: number
}

/** `truncated`: to be asked again over TCP. `failed`: this resolver can't or won't. `unfit`: not what a resolver says to this question. */
export type UpstreamVerdict = UpstreamAnswer | 'truncated' | 'failed' | 'unfit'

/** ID, QR and the question echoed (RFC 5452 §9, J28); the source was checked before. */
export function isReplyTo(message: Uint8Array, id: number, question: Question): boolean {
  if (message.length < HEADER_LENGTH || uint16(message, 0) !== id) return false
  if ((message[2]! & 0xf8) !== 0x80 || uint16(message, 4) !== 1) return false
  const name = walkName(message, HEADER_LENGTH)
  if (!name || name.compressed || foldCase(name.name) !== question.key) return false
  return uint16(message, name.next) === question.type && uint16(message, name.next + 2) === question.class
}

/** What is asked, with DO or without; and which names nobody but us can speak about. */
export type UpstreamQuestion = { question: Question; dnssec: boolean; isOurs: (key: string) => boolean }

/** Total. The message is a reply to this question: `isReplyTo` has said so. */
export function readUpstream(message: Uint8Array, { question, dnssec, isOurs }: UpstreamQuestion): UpstreamVerdict {
  const sections = walkSections(message, walkName(message, HEADER_LENGTH)!.next + 4)
  const rcode = message[3]! & 15
  if (!sections) return message[2]! & 0x02 ? 'truncated' : 'unfit'
  const extended = sections.additionals.some(({ type, body }) => type === TYPE_OPT && message[body - 6] !== 0)
  if (extended || (rcode !== RCODE.ok && rcode !== RCODE.nxdomain)) return 'failed'
  if (message[2]! & 0x02) return 'truncated'
  // An alias may lead back to our zones; what upstream thinks is there is not listened to.
  const answers = expandAll(message, sections.answers, LONGEST_TTL_S)?.filter(({ key }) => !isOurs(key))
  const authorities = expandAll(message, sections.authorities, LONGEST_NEGATIVE_TTL_S)
  const name = answers && lastName(answers, question)
  if (!answers || !authorities || name === undefined) return 'unfit'
  const positive = rcode === RCODE.ok && answers.some(({ key, type }) => key === name && type !== TYPE_RRSIG)
  // With DO set a client wants the proof of a wildcard, too (RFC 4035 §3.1.3.3); it alone hears it.
  const shown = positive && !dnssec ? [] : authoritiesAt(name, authorities, dnssec)
  return { rcode, answers, authorities: shown, ttl: ttlOf(answers, shown, positive) }
}

/** With DO set the proof that a name is missing stands at names beside it. */
function authoritiesAt(name: string, authorities: WireRecord[], dnssec: boolean): WireRecord[] {
  const above = atAndAbove(name)
  return dnssec ? authorities : authorities.filter(({ key }) => above.has(key))
}

type Sections = Record<'answers' | 'authorities' | 'additionals', WalkedRecord[]>

function walkSections(message: Uint8Array, start: number): Sections | undefined {
  const counts = [uint16(message, 6), uint16(message, 8), uint16(message, 10)]
  if (counts.reduce((sum, count) => sum + count) > MOST_RECORDS) return undefined
  let position = start
  const sections: WalkedRecord[][] = []
  for (const count of counts) {
    const records: WalkedRecord[] = []
    for (let index = 0; index < count; index += 1) {
      const record = walkRecord(message, position)
      if (!record) return undefined
      records.push(record)
      position = record.end
    }
    sections.push(records)
  }
  const [answers = [], authorities = [], additionals = []] = sections
  return { answers, authorities, additionals }
}

/** Undefined as soon as one cannot be read, or all of them would not fit a message any more. */
function expandAll(message: Uint8Array, records: WalkedRecord[], longestTtl: number): WireRecord[] | undefined {
  const expanded: WireRecord[] = []
  let octets = 0
  for (const walked of records) {
    const record = expand(message, walked, longestTtl)
    octets += record ? record.data.length + RECORD_HEAD : LARGEST_MESSAGE
    if (!record || octets > LARGEST_MESSAGE) return undefined
    expanded.push(record)
  }
  return expanded
}

function expand(
  message: Uint8Array,
  { name, type, body, end }: WalkedRecord,
  longestTtl: number,
): WireRecord | undefined {
  const data = expandData(message, type, body, end)
  const ttl = uint16(message, body - 6) * 0x10000 + uint16(message, body - 4)
  // RFC 2181 §8: a TTL with its highest bit set is zero.
  const seconds = ttl > 0x7fff_ffff ? 0 : Math.min(ttl, longestTtl)
  return data && { owner: name, key: foldCase(name), type, class: uint16(message, body - 8), ttl: seconds, data }
}

/** How a record's data is made: octets in front of its names, names, octets behind them. */
type Shape = { before: number; names: number; behind: number }

const shape = (before: number, names: number, behind = 0): Shape => ({ before, names, behind })

/** Types whose names may be compressed (RFC 3597 §4), and addresses. */
const SHAPES = new Map<number, Shape>([
  ...[2, 3, 4, TYPE_CNAME, 7, 8, 9, 12, TYPE_DNAME].map((type): [number, Shape] => [type, shape(0, 1)]),
  [1, shape(4, 0)],
  [28, shape(16, 0)],
  [TYPE_SOA, shape(0, 2, 20)],
  [14, shape(0, 2)],
  [15, shape(2, 1)],
  [17, shape(0, 2)],
  [18, shape(2, 1)],
  [21, shape(2, 1)],
  [26, shape(2, 2)],
  [33, shape(6, 1)],
  [36, shape(2, 1)],
])

/** Undefined for data that is not what its type says; of types that are not listed everything is passed on. */
function expandData(message: Uint8Array, type: number, body: number, end: number): Uint8Array | undefined {
  const { before, names, behind } = SHAPES.get(type) ?? shape(end - body, 0)
  const parts: Uint8Array[] = [message.subarray(body, body + before)]
  let position = body + before
  for (let count = 0; count < names; count += 1) {
    const name = position < end ? walkName(message, position) : undefined
    if (!name) return undefined
    parts.push(encodeName(name.name))
    position = name.next
  }
  if (position + behind !== end) return undefined
  parts.push(message.subarray(position, end))
  return Uint8Array.from(Buffer.concat(parts))
}

/**
 * The name that the aliases of the question end in; undefined if any record belongs to another name, or an alias has no end. Every record must
 * be the question's own or that of an alias target; a DNAME stands above the name it renames (RFC 6672 §3).
 */
function lastName(answers: WireRecord[], question: Question): string | undefined {
  const wanted = new Set([question.key])
  const follows = question.type !== TYPE_CNAME && question.type !== TYPE_ANY
  let name = question.key
  for (let step = 0; step <= MOST_ALIASES; step += 1) {
    const alias = follows ? answers.find(({ key, type }) => key === name && type === TYPE_CNAME) : undefined
    if (!alias) return allFit(answers, wanted, question) ? name : undefined
    name = foldCase(walkName(alias.data, 0)!.name)
    if (wanted.has(name)) return undefined
    wanted.add(name)
  }
  return undefined
}

function allFit(answers: WireRecord[], wanted: ReadonlySet<string>, question: Question): boolean {
  const above = new Set([...wanted].flatMap(name => [...atAndAbove(name)]))
  // An RRSIG beside a DNAME has the DNAME's owner.
  const renames = (type: number): boolean => type === TYPE_DNAME || type === TYPE_RRSIG
  return answers.every(
    ({ key, type, class: klass }) => klass === question.class && (wanted.has(key) || (renames(type) && above.has(key))),
  )
}

/** The name and all names above it, to the root. */
function atAndAbove(name: string): Set<string> {
  const names = new Set([''])
  for (let above = name; above !== ''; above = parentOf(above)) names.add(above)
  return names
}

/** The smallest TTL; a negative answer holds as long as SOA and MINIMUM say, and without SOA not at all (RFC 2308 §5). */
function ttlOf(answers: WireRecord[], authorities: WireRecord[], positive: boolean): number {
  const ttls = answers.map(({ ttl }) => ttl)
  if (!positive) {
    const soa = authorities.find(({ type }) => type === TYPE_SOA)
    const minimum = soa ? new DataView(soa.data.buffer, soa.data.byteOffset).getUint32(soa.data.length - 4) : 0
    ttls.push(Math.min(soa?.ttl ?? 0, minimum))
  }
  return Math.min(...ttls)
}
