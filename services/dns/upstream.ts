/** Is this what the upstream resolver was asked, and what does the client get of it? Pure; `forward.ts` has the sockets. */
import { foldCase, walkName } from './name.ts'
import { HEADER_LENGTH, type Question, RCODE, TYPE_OPT, uint16, type WalkedRecord, walkRecord } from './screen.ts'
import { payloadLimit, type Query } from './codec.ts'

const MOST_RECORDS = 512

/** ID, QR and the question echoed (RFC 5452 §9, J28); the source was checked before. */
export function isReplyTo(message: Uint8Array, id: number, question: Question): boolean {
  if (message.length < HEADER_LENGTH || uint16(message, 0) !== id) return false
  if ((message[2]! & 0xf8) !== 0x80 || uint16(message, 4) !== 1) return false
  const name = walkName(message, HEADER_LENGTH)
  if (!name || name.compressed || foldCase(name.name) !== question.key) return false
  return uint16(message, name.next) === question.type && uint16(message, name.next + 2) === question.class
}

/** Another resolver may know better than one that failed or refuses. */
export function isUsable(message: Uint8Array): boolean {
  const rcode = message[3]! & 15
  return rcode === RCODE.ok || rcode === RCODE.nxdomain
}

/**
 * The upstream's reply as this client must see it: its own ID and spelling of the name (J08), RA set and AA clear (J09),
 * no OPT unless it sent one (J19), and no more octets than it can take (J23). Undefined when the reply is malformed.
 * `asked` is what the client sent.
 */
export function adaptReply(
  upstream: Uint8Array,
  query: Query,
  asked: Uint8Array,
  overTcp: boolean,
): Uint8Array | undefined {
  const records = walkRecords(upstream, query.question.end)
  if (!records) return undefined
  const stripped = query.edns ? upstream : withoutOpt(upstream, records)
  if (!stripped) return undefined
  const tooLong = !overTcp && stripped.length > payloadLimit(query)
  const reply = Uint8Array.from(tooLong ? withoutRecords(stripped, query.question.end) : stripped)
  reply.set(asked.subarray(0, 2))
  reply.set(asked.subarray(HEADER_LENGTH, query.question.end), HEADER_LENGTH)
  const truncated = tooLong ? 0x02 : reply[2]! & 0x02
  reply[2] = 0x80 | truncated | (query.recursionDesired ? 0x01 : 0)
  // AD says that somebody validated; the way from there to here was not protected.
  reply[3] = 0x80 | (query.checkingDisabled ? 0x10 : 0) | (upstream[3]! & 15)
  return reply
}

function walkRecords(message: Uint8Array, start: number): WalkedRecord[] | undefined {
  const count = uint16(message, 6) + uint16(message, 8) + uint16(message, 10)
  if (count > MOST_RECORDS) return undefined
  const records: WalkedRecord[] = []
  let position = start
  for (let index = 0; index < count; index += 1) {
    const record = walkRecord(message, position)
    if (!record) return undefined
    records.push(record)
    position = record.end
  }
  return records
}

/** An OPT is the last record in practice; cut from the middle, pointers behind it would break. */
function withoutOpt(message: Uint8Array, records: WalkedRecord[]): Uint8Array | undefined {
  const index = records.findIndex(record => record.type === TYPE_OPT)
  if (index < 0) return message
  if (index !== records.length - 1) return undefined
  const cut = message.slice(0, records[index]!.start)
  const additionals = uint16(message, 10) - 1
  cut[10] = additionals >> 8
  cut[11] = additionals & 255
  return cut
}

function withoutRecords(message: Uint8Array, end: number): Uint8Array {
  return message.slice(0, end).fill(0, 6, HEADER_LENGTH)
}
