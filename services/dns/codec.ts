/**
 * Messages to and from octets, by dns2's packet codec: the only file that imports it.
 * It is only ever given what `screen.ts` let through.
 */
import { Packet, type Resource } from 'dns2'
import { CLASS_IN, HEADER_LENGTH, type Question, type Rcode, TYPE_OPT } from './screen.ts'
import type { RecordData, RecordSet } from './zone.ts'

/** RFC 1035 §4.2.1: what a client without EDNS can take. */
const PLAIN_PAYLOAD = 512
/** DNS Flag Day 2020: what passes every link without fragments. */
export const SAFE_PAYLOAD = 1232

export type Edns = { version: number; payload: number; dnssec: boolean }

export type Query = {
  /** The question in the asker's own octets, from behind the header to its class. */
  spelling: Uint8Array
  id: number
  recursionDesired: boolean
  checkingDisabled: boolean
  question: Question
  /** Present if the query carried an OPT record. */
  edns?: Edns
}

/** A record set with the name that owns it. */
export type OwnedSet = RecordSet & { owner: string }

export type Reply = {
  rcode: Rcode
  authoritative: boolean
  recursionAvailable: boolean
  answers: OwnedSet[]
  authorities: OwnedSet[]
}

/** Undefined when an additional record cannot be read: the sender gets FORMERR. */
export function decodeQuery(message: Uint8Array, question: Question): Query | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  const packet = Packet.parse(bytes)
  if (packet.errors.length > 0) return undefined
  const opt = packet.additionals.find(record => record.type === TYPE_OPT)
  const edns = opt && { version: opt.version ?? 0, payload: opt.class, dnssec: opt.doFlag ?? false }
  return {
    spelling: message.subarray(HEADER_LENGTH, question.end),
    id: packet.header.id,
    recursionDesired: packet.header.rd === 1,
    checkingDisabled: (message[3]! & 0x10) !== 0,
    question,
    ...(edns ? { edns } : {}),
  }
}

/** Octets that a reply over UDP may have: J23, J24. */
export function payloadLimit(query: Query): number {
  return query.edns ? Math.min(Math.max(query.edns.payload, PLAIN_PAYLOAD), SAFE_PAYLOAD) : PLAIN_PAYLOAD
}

/**
 * The reply as octets, at most `limit` of them; what does not fit is left out whole and TC is set, so that the client
 * asks again over TCP (RFC 2181 §9).
 */
export function encodeReply(query: Query, reply: Reply, limit: number): Uint8Array {
  const whole = encode(query, reply, false)
  return whole.length <= limit ? whole : encode(query, { ...reply, answers: [], authorities: [] }, true)
}

function encode(query: Query, reply: Reply, truncated: boolean): Uint8Array {
  const { key, type, class: klass } = query.question
  const packet = new Packet()
  packet.header = new Packet.Header({
    id: query.id,
    qr: 1,
    aa: reply.authoritative ? 1 : 0,
    tc: truncated ? 1 : 0,
    rd: query.recursionDesired ? 1 : 0,
    ra: reply.recursionAvailable ? 1 : 0,
    rcode: reply.rcode,
  })
  packet.questions = [{ name: key, type, class: klass, toBuffer: notUsed }]
  packet.answers = reply.answers.flatMap(resourcesOf)
  packet.authorities = reply.authorities.flatMap(resourcesOf)
  if (query.edns)
    packet.additionals = [Packet.Resource.EDNS([], { udpPayloadSize: SAFE_PAYLOAD, doFlag: query.edns.dnssec })]
  const bytes = packet.toBuffer()
  // Owners point at the question, so they have the asker's spelling, too (J08).
  bytes.set(query.spelling, HEADER_LENGTH)
  return bytes
}

/** dns2 types a question as an object of its own class; only its fields are read. */
function notUsed(): Buffer {
  throw new Error('dns2 encodes questions by their fields')
}

function resourcesOf(set: OwnedSet): Resource[] {
  return set.data.map(
    data => new Packet.Resource({ name: set.owner, class: CLASS_IN, ttl: set.ttl, ...fieldsOf(data) }),
  )
}

/** The field names that dns2's encoders read. */
function fieldsOf(data: RecordData): Partial<Resource> {
  switch (data.type) {
    case 'A':
      return { type: Packet.TYPE.A, address: data.address }
    case 'AAAA':
      return { type: Packet.TYPE.AAAA, address: data.address }
    case 'CNAME':
      return { type: Packet.TYPE.CNAME, domain: data.target }
    case 'PTR':
      return { type: Packet.TYPE.PTR, domain: data.target }
    case 'NS':
      return { type: Packet.TYPE.NS, ns: data.target }
    case 'TXT':
      return { type: Packet.TYPE.TXT, data: [data.text] }
    case 'MX':
      return { type: Packet.TYPE.MX, priority: data.preference, exchange: data.target }
    case 'SRV': {
      const { priority, weight, port, target } = data
      return { type: Packet.TYPE.SRV, priority, weight, port, target }
    }
    case 'SOA': {
      const { primary, admin, serial, refresh, retry, expire: expiration, minimum } = data
      return { type: Packet.TYPE.SOA, primary, admin, serial, refresh, retry, expiration, minimum }
    }
  }
}

/** A header alone, for messages that were not decoded: ID, opcode and RD of the sender (J09), nothing else. */
export function encodeHeaderReply(message: Uint8Array, rcode: Rcode): Uint8Array {
  const reply = new Uint8Array(HEADER_LENGTH)
  reply.set(message.subarray(0, 2))
  reply[2] = 0x80 | (message[2]! & 0x79)
  reply[3] = rcode & 15
  return reply
}

/** A question for an upstream resolver: recursion asked for, EDNS always, the client's DO and CD passed on. */
export function encodeQuestion(query: Query, question: Question, id: number, payload: number): Uint8Array {
  const { name, type, class: klass } = question
  const packet = new Packet()
  packet.header = new Packet.Header({ id, rd: 1 })
  packet.questions = [{ name, type, class: klass, toBuffer: notUsed }]
  packet.additionals = [Packet.Resource.EDNS([], { udpPayloadSize: payload, doFlag: query.edns?.dnssec ?? false })]
  const bytes = packet.toBuffer()
  if (query.checkingDisabled) bytes[3]! |= 0x10
  return bytes
}

export function emptyReply(rcode: Rcode, recursionAvailable: boolean): Reply {
  return { rcode, authoritative: false, recursionAvailable, answers: [], authorities: [] }
}
