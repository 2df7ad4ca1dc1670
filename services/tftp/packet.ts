/** TFTP packets to and from octets (RFC 1350 §5, RFC 2347). Total: any octets give a packet or undefined. */

const OPCODE = { rrq: 1, wrq: 2, data: 3, ack: 4, error: 5, oack: 6 } as const

export const ERROR = { undefined: 0, notFound: 1, notAllowed: 2, illegal: 4, unknownTransfer: 5, declined: 8 } as const

/** Longer names and modes than firmware can hold are somebody's experiment. */
const LONGEST_STRING = 512
const MOST_OPTIONS = 16

/** Name as the client spelled it, then its value. */
export type TftpOption = [name: string, value: string]

/** Strings hold one character per octet; nothing has been cleaned. */
export type TftpRequest = { op: 'rrq' | 'wrq'; name: string; mode: string; options: TftpOption[] }

export type TftpPacket =
  | TftpRequest
  | { op: 'data'; block: number; payload: Uint8Array }
  | { op: 'ack'; block: number }
  | { op: 'error'; code: number; text: string }
  | { op: 'oack'; options: TftpOption[] }

const SHORTEST_PACKET = 4
/** Before the octets of the file. */
export const DATA_HEADER_BYTES = 4

/** Runts and unknown opcodes are undefined (K03). */
export function decodePacket(bytes: Uint8Array): TftpPacket | undefined {
  if (bytes.length < SHORTEST_PACKET) return undefined
  const second = uint16(bytes, 2)
  switch (uint16(bytes, 0)) {
    case OPCODE.rrq:
      return decodeRequest('rrq', bytes)
    case OPCODE.wrq:
      return decodeRequest('wrq', bytes)
    case OPCODE.data:
      return { op: 'data', block: second, payload: bytes.subarray(4) }
    case OPCODE.ack:
      return { op: 'ack', block: second }
    case OPCODE.error:
      return {
        op: 'error',
        code: second,
        text: readStrings(bytes, 4, 1)[0] ?? latin1(bytes.subarray(4, 4 + LONGEST_STRING)),
      }
    case OPCODE.oack:
      return { op: 'oack', options: pairs(readStrings(bytes, 2, 2 * MOST_OPTIONS)) }
    default:
      return undefined
  }
}

function uint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0)
}

function decodeRequest(op: 'rrq' | 'wrq', bytes: Uint8Array): TftpRequest | undefined {
  const [name, mode, ...rest] = readStrings(bytes, 2, 2 + 2 * MOST_OPTIONS)
  return name === undefined || mode === undefined ? undefined : { op, name, mode, options: pairs(rest) }
}

/** Strings that end in NUL; what follows the last NUL is padding or garbage of the ROM and is ignored. */
function readStrings(bytes: Uint8Array, offset: number, most: number): string[] {
  const strings: string[] = []
  let start = offset
  while (strings.length < most) {
    const end = bytes.indexOf(0, start)
    if (end < 0 || end - start > LONGEST_STRING) break
    strings.push(latin1(bytes.subarray(start, end)))
    start = end + 1
  }
  return strings
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** A name without a value is left out; of a repeated option the first counts. */
function pairs(strings: string[]): TftpOption[] {
  const options = new Map<string, TftpOption>()
  for (let index = 0; index + 1 < strings.length; index += 2) {
    const name = strings[index]!
    const key = name.toLowerCase()
    if (name !== '' && !options.has(key)) options.set(key, [name, strings[index + 1]!])
  }
  return [...options.values()]
}

/** The one packet of which there are thousands, in memory that is used again for the next one. Returns what was written of it. */
export function writeData(memory: Uint8Array, block: number, payload: Uint8Array): Uint8Array {
  memory[0] = 0
  memory[1] = OPCODE.data
  memory[2] = block >> 8
  memory[3] = block
  memory.set(payload, DATA_HEADER_BYTES)
  const length = DATA_HEADER_BYTES + payload.length
  return length === memory.length ? memory : memory.subarray(0, length)
}

export function encodePacket(packet: TftpPacket): Uint8Array {
  switch (packet.op) {
    case 'rrq':
    case 'wrq':
      return join(OPCODE[packet.op], strings([packet.name, packet.mode, ...packet.options.flat()]))
    case 'data':
      return writeData(new Uint8Array(DATA_HEADER_BYTES + packet.payload.length), packet.block, packet.payload)
    case 'ack':
      return join(OPCODE.ack, word(packet.block))
    case 'error':
      return join(OPCODE.error, word(packet.code), strings([packet.text]))
    case 'oack':
      return join(OPCODE.oack, strings(packet.options.flat()))
  }
}

function word(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 255, value & 255)
}

function strings(texts: string[]): Uint8Array {
  return Buffer.from(texts.map(text => `${text}\0`).join(''), 'latin1')
}

function join(opcode: number, ...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(2 + parts.reduce((sum, part) => sum + part.length, 0))
  bytes[1] = opcode
  let offset = 2
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
