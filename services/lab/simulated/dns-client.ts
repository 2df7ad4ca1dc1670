/** DNS as the installer's `dig` and its resolver ask: one question over UDP with EDNS, five seconds, three tries (RFC 1035, RFC 6891). */
import { randomInt } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import type { DatagramPort } from '../../kit/datagram-port.ts'
import { ipv4FromBytes, type Ipv4 } from '../../kit/ipv4.ts'

export const TYPE = { a: 1, cname: 5, txt: 16 } as const
const TYPE_OPT = 41
const CLASS_IN = 1
const SERVER_PORT = 53
const HEADER_BYTES = 12
const FLAG_RECURSION_DESIRED = 0x0100
const FLAG_RESPONSE = 0x8000
const FLAG_TRUNCATED = 0x0200
/** What dig 9.18 and later advertises. */
const PAYLOAD_BYTES = 1232
const RCODE_NXDOMAIN = 3
const POINTER = 0xc0

export type Answer = { type: number; data: Uint8Array }
export type Response = { id: number; rcode: number; truncated: boolean; answers: Answer[] }

export function encodeQuestion(id: number, name: string, type: number): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(FLAG_RECURSION_DESIRED, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(1, 10)
  const labels = name.split('.').filter(label => label !== '')
  const question = labels.flatMap(label => [label.length, ...Buffer.from(label, 'latin1')])
  const opt = [0, 0, TYPE_OPT, PAYLOAD_BYTES >> 8, PAYLOAD_BYTES & 255, 0, 0, 0, 0, 0, 0]
  return Buffer.concat([header, Uint8Array.from([...question, 0, 0, type, 0, CLASS_IN, ...opt])])
}

/** Position behind a name; undefined if it runs out of the message. Names are not needed: the question was ours. */
function skipName(bytes: Uint8Array, start: number): number | undefined {
  let at = start
  while (at < bytes.length) {
    const length = bytes[at]!
    if (length === 0) return at + 1
    if (length >= POINTER) return at + 2
    at += 1 + length
  }
  return undefined
}

function readAnswers(bytes: Uint8Array, view: DataView, start: number, count: number): Answer[] | undefined {
  const answers: Answer[] = []
  let at = start
  for (let index = 0; index < count; index++) {
    const fixed = skipName(bytes, at)
    if (fixed === undefined || fixed + 10 > bytes.length) return undefined
    const end = fixed + 10 + view.getUint16(fixed + 8)
    if (end > bytes.length) return undefined
    answers.push({ type: view.getUint16(fixed), data: bytes.slice(fixed + 10, end) })
    at = end
  }
  return answers
}

/** Undefined for anything that is no response, however broken. Never throws. */
export function decodeResponse(bytes: Uint8Array): Response | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const flags = view.getUint16(2)
  if (!(flags & FLAG_RESPONSE)) return undefined
  let at: number | undefined = HEADER_BYTES
  for (let question = view.getUint16(4); question > 0; question--) {
    at = skipName(bytes, at)
    if (at === undefined || at + 4 > bytes.length) return undefined
    at += 4
  }
  const answers = readAnswers(bytes, view, at, view.getUint16(6))
  return answers && { id: view.getUint16(0), rcode: flags & 15, truncated: (flags & FLAG_TRUNCATED) !== 0, answers }
}

/** One TXT record as `dig +short` prints it, with the quotes taken away as the installer does: strings stand apart, not joined. */
export function printTxt(data: Uint8Array): string {
  const strings: string[] = []
  for (let at = 0; at < data.length; at += 1 + data[at]!) {
    strings.push(Buffer.from(data.subarray(at + 1, at + 1 + data[at]!)).toString('latin1'))
  }
  return strings.join(' ')
}

export type DnsTools = {
  open: () => Promise<DatagramPort>
  clock: Clock
  signal: AbortSignal
  servers: readonly Ipv4[]
  waitMs: number
  tries: number
}

export type DnsResult = { ok: true; answers: Answer[] } | { ok: false; reason: string }

function askOnce(
  tools: DnsTools,
  port: DatagramPort,
  server: Ipv4,
  name: string,
  type: number,
): Promise<Response | undefined> {
  const id = randomInt(0, 0x10000)
  return new Promise(resolve => {
    const settle = (response?: Response) => {
      cancel()
      tools.signal.removeEventListener('abort', powerLost)
      resolve(response)
    }
    const powerLost = () => settle()
    const cancel = tools.clock.after(tools.waitMs, () => settle())
    port.onDatagram(({ bytes, from }) => {
      const response = from.address === server && from.port === SERVER_PORT ? decodeResponse(bytes) : undefined
      if (response?.id === id) settle(response)
    })
    tools.signal.addEventListener('abort', powerLost, { once: true })
    port.send(encodeQuestion(id, name, type), { address: server, port: SERVER_PORT })
  })
}

function judge(name: string, response: Response): DnsResult {
  if (response.truncated) return { ok: false, reason: `DNS: the answer for ${name} does not fit into a datagram` }
  if (response.rcode === 0 || response.rcode === RCODE_NXDOMAIN) return { ok: true, answers: response.answers }
  return { ok: false, reason: `DNS: ${name} was refused with code ${response.rcode}` }
}

/** Asks one resolver after the other. No record is an empty list; only silence and refusals fail. */
export async function askDns(tools: DnsTools, name: string, type: number): Promise<DnsResult> {
  if (name.split('.').some(label => label.length > 63)) return { ok: false, reason: `DNS: ${name} is not a name` }
  const port = await tools.open()
  try {
    for (let tried = 0; tried < tools.tries && !tools.signal.aborted; tried++) {
      for (const server of tools.servers) {
        const response = await askOnce(tools, port, server, name, type)
        if (response) return judge(name, response)
      }
    }
    return { ok: false, reason: `DNS: nobody answered for ${name}` }
  } finally {
    await port.close()
  }
}

/** The first IPv4 address of a name. */
export async function resolveAddress(tools: DnsTools, name: string): Promise<Ipv4 | string> {
  const asked = await askDns(tools, name, TYPE.a)
  if (!asked.ok) return asked.reason
  const record = asked.answers.find(answer => answer.type === TYPE.a)
  return (record && ipv4FromBytes(record.data)) ?? `DNS: ${name} has no address`
}
