/**
 * An upstream answer as one client must see it, in octets: its own ID and spelling of the name (J08), the aliases of our zone in front, RA set
 * (J09), OPT only if it sent one (J19), and no more octets than it can take (J23). dns2 encodes no records it does not know, and these are
 * of any type (RFC 3597), so they are put together here.
 */
import { type OwnedSet, payloadLimit, type Query, SAFE_PAYLOAD } from './codec.ts'
import { encodeName, foldCase } from './name.ts'
import { CLASS_IN, HEADER_LENGTH, TYPE_OPT } from './screen.ts'
import type { UpstreamAnswer, WireRecord } from './upstream.ts'
import { TYPE } from './zone.ts'

const POINTER = 0xc000
/** RFC 1035 §4.1.4: a pointer has fourteen bits. */
const POINTABLE = 0x4000
const LARGEST_MESSAGE = 65_535

export type Relayed = {
  query: Query
  /** What the client sent: its ID and question are copied. */
  asked: Uint8Array
  /** From our zone, in order, in front of what upstream said about the last one's target. */
  aliases: readonly WireRecord[]
  answer: UpstreamAnswer
  /** Seconds that the answer has been kept. */
  age: number
  overTcp: boolean
}

export function relay(relayed: Relayed): Uint8Array {
  const { query, answer, age, aliases, overTcp } = relayed
  const aged = (record: WireRecord): WireRecord => ({ ...record, ttl: Math.max(0, record.ttl - age) })
  const answers = [...aliases, ...answer.answers.map(aged)]
  const authorities = answer.authorities.map(aged)
  const limit = overTcp ? LARGEST_MESSAGE : payloadLimit(query)
  const whole = encode(relayed, answers, authorities, false)
  return whole.length <= limit ? whole : encode(relayed, [], [], true)
}

/** An alias of our zone as a record that can stand in front of upstream's. */
export function aliasRecords({ owner, ttl, data }: OwnedSet): WireRecord[] {
  const key = foldCase(owner)
  return data.flatMap(alias =>
    alias.type === 'CNAME'
      ? [{ owner, key, type: TYPE.CNAME, class: CLASS_IN, ttl, data: encodeName(alias.target) }]
      : [],
  )
}

function encode(
  { query, asked, aliases, answer }: Relayed,
  answers: readonly WireRecord[],
  authorities: readonly WireRecord[],
  truncated: boolean,
): Uint8Array {
  const { question, edns } = query
  const parts: Uint8Array[] = [header(), asked.subarray(HEADER_LENGTH, question.end)]
  const owners = new Map([[question.key, HEADER_LENGTH]])
  let length: number = question.end
  for (const record of [...answers, ...authorities]) {
    const owner = encodeOwner(record, owners, length)
    const head = Buffer.alloc(10)
    head.writeUInt16BE(record.type, 0)
    head.writeUInt16BE(record.class, 2)
    head.writeUInt32BE(record.ttl, 4)
    head.writeUInt16BE(record.data.length, 8)
    parts.push(owner, head, record.data)
    length += owner.length + head.length + record.data.length
  }
  if (edns) {
    const flags = edns.dnssec ? 0x80 : 0
    parts.push(Uint8Array.of(0, 0, TYPE_OPT, SAFE_PAYLOAD >> 8, SAFE_PAYLOAD & 255, 0, 0, flags, 0, 0, 0))
  }
  return Buffer.concat(parts)

  function header(): Uint8Array {
    const octets = Buffer.alloc(HEADER_LENGTH)
    octets.writeUInt16BE(query.id, 0)
    // AA is about the first name of the answer (RFC 1035 §4.1.1), which is ours if an alias of our zone stands there.
    octets[2] = 0x80 | (aliases.length > 0 ? 0x04 : 0) | (truncated ? 0x02 : 0) | (query.recursionDesired ? 0x01 : 0)
    // AD says that somebody validated; the way from there to here was not protected.
    octets[3] = 0x80 | (query.checkingDisabled ? 0x10 : 0) | answer.rcode
    octets.writeUInt16BE(1, 4)
    octets.writeUInt16BE(answers.length, 6)
    octets.writeUInt16BE(authorities.length, 8)
    octets.writeUInt16BE(edns ? 1 : 0, 10)
    return octets
  }
}

/** A pointer where the same owner stands already; names inside records are left as they are. */
function encodeOwner({ owner, key }: WireRecord, owners: Map<string, number>, position: number): Uint8Array {
  const known = owners.get(key)
  if (known !== undefined) return Uint8Array.of((POINTER | known) >> 8, known & 255)
  if (position < POINTABLE) owners.set(key, position)
  return encodeName(owner)
}
