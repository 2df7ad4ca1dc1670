/**
 * What a datagram must look like before it is decoded. The codec behind it walks whatever counts and pointers a message
 * claims; this file looks at the header and the borders of every record first, in one pass over at most 4096 octets.
 */
import { foldCase, walkName } from './name.ts'
import type { ScreenReason, SilenceReason } from './reasons.ts'

export const HEADER_LENGTH = 12
/** Header, root name, type and class. */
const SHORTEST_QUERY = 17
export const LONGEST_QUERY = 4096
const MOST_ADDITIONALS = 2

export const RCODE = { ok: 0, formerr: 1, servfail: 2, nxdomain: 3, notimp: 4, refused: 5, badvers: 16 } as const
export type Rcode = (typeof RCODE)[keyof typeof RCODE]

export const TYPE_OPT = 41
export const CLASS_IN = 1
const TYPE_IXFR = 251
const TYPE_AXFR = 252

export type Question = {
  /** As asked, in the form of `name.ts`. */
  name: string
  /** The same with case folded: for comparing only. */
  key: string
  type: number
  class: number
  /** Offset behind the question in the message. */
  end: number
}

export type Screened =
  | { verdict: 'parse'; question: Question }
  | { verdict: 'reply'; rcode: Rcode; reason: ScreenReason }
  | { verdict: 'silence'; reason: SilenceReason }

const refuse = (rcode: Rcode, reason: ScreenReason): Screened => ({ verdict: 'reply', rcode, reason })

export function uint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0)
}

/** What is not even counted against its sender (J01, J02). */
export function silenceFor(message: Uint8Array): SilenceReason | undefined {
  if (message.length < HEADER_LENGTH) return 'runt'
  // Answering a response would let two servers talk to each other for ever.
  return message[2]! & 0x80 ? 'not-a-query' : undefined
}

/** Total: any octets give a verdict. J01 to J06, J21, J34. */
export function screen(message: Uint8Array): Screened {
  const silence = silenceFor(message)
  if (silence) return { verdict: 'silence', reason: silence }
  if ((message[2]! >> 3) & 15) return refuse(RCODE.notimp, 'opcode')
  if (message.length > LONGEST_QUERY) return refuse(RCODE.formerr, 'message-size')
  if (uint16(message, 4) !== 1) return refuse(RCODE.formerr, 'question-count')
  if (message.length < SHORTEST_QUERY) return refuse(RCODE.formerr, 'message-size')
  return screenQuestion(message)
}

function screenQuestion(message: Uint8Array): Screened {
  if ((message[HEADER_LENGTH]! & 0xc0) === 0xc0) return refuse(RCODE.formerr, 'compressed-question')
  const walked = walkName(message, HEADER_LENGTH)
  if (!walked || walked.compressed) return refuse(RCODE.formerr, 'bad-name')
  const end = walked.next + 4
  if (end > message.length) return refuse(RCODE.formerr, 'bad-record')
  const type = uint16(message, walked.next)
  // An IXFR carries its SOA in the authority section (RFC 1995 §3), so it is told before the sections are counted.
  if (type === TYPE_IXFR || type === TYPE_AXFR) return refuse(RCODE.refused, 'zone-transfer')
  const records = uint16(message, 10)
  if (uint16(message, 6) !== 0 || uint16(message, 8) !== 0 || records > MOST_ADDITIONALS) {
    return refuse(RCODE.formerr, 'section-count')
  }
  const fault = faultInAdditionals(message, end, records)
  if (fault) return refuse(RCODE.formerr, fault)
  const { name } = walked
  return {
    verdict: 'parse',
    question: { name, key: foldCase(name), type, class: uint16(message, walked.next + 2), end },
  }
}

function faultInAdditionals(message: Uint8Array, start: number, count: number): ScreenReason | undefined {
  let position = start
  let options = 0
  for (let index = 0; index < count; index += 1) {
    const record = walkRecord(message, position)
    if (!record) return 'bad-record'
    if (record.type === TYPE_OPT) {
      options += 1
      // RFC 6891 §6.1.2: the name of an OPT is the root, one zero octet.
      if (message[position] !== 0) return 'bad-record'
    }
    position = record.end
  }
  return options > 1 ? 'two-opt' : undefined
}

/** `body` is the offset of the data, ten octets behind the name. */
export type WalkedRecord = { name: string; type: number; start: number; body: number; end: number }

/** The borders of the record at `offset`; undefined if it runs past the message. */
export function walkRecord(message: Uint8Array, offset: number): WalkedRecord | undefined {
  const name = walkName(message, offset)
  if (!name || name.next + 10 > message.length) return undefined
  const body = name.next + 10
  const end = body + uint16(message, name.next + 8)
  if (end > message.length) return undefined
  return { name: name.name, type: uint16(message, name.next), start: offset, body, end }
}
