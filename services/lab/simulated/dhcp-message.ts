/**
 * DHCP as a client writes and reads it (RFC 2131 §2, RFC 2132, RFC 3396). Written apart from the appliance's own codec on
 * purpose: the simulated machines would not notice a mistake that both sides share.
 */
import { ipv4FromBytes, ipv4ToBytes, UNSPECIFIED, type Ipv4 } from '../../kit/ipv4.ts'
import { macToBytes, type Mac } from '../../kit/mac.ts'

export const MESSAGE_TYPE = { discover: 1, offer: 2, request: 3, ack: 5, nak: 6 } as const

/** Codes of RFC 2132 and of the IANA registry; 250 and 251 are Proxmox's. */
export const OPTION = {
  router: 3,
  dns: 6,
  hostName: 12,
  domain: 15,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverId: 54,
  requestList: 55,
  message: 56,
  maxMessageSize: 57,
  vendorClass: 60,
  clientId: 61,
  tftpServer: 66,
  bootFile: 67,
  userClass: 77,
  architecture: 93,
  networkInterface: 94,
  machineId: 97,
  domainSearch: 119,
  ipxe: 175,
  answerUrl: 250,
  fingerprint: 251,
} as const

const FIXED_BYTES = 236
const COOKIE = [0x63, 0x82, 0x53, 0x63]
const OP_REQUEST = 1
const OP_REPLY = 2
const BROADCAST_FLAG = 0x8000
const PAD = 0
const END = 255
/** RFC 1542 §2.1: relays and servers may drop anything shorter. */
const BOOTP_MINIMUM_BYTES = 300

const FIELD = {
  xid: 4,
  secs: 8,
  flags: 10,
  ciaddr: 12,
  yiaddr: 16,
  siaddr: 20,
  chaddr: 28,
  sname: 44,
  snameEnd: 108,
  file: 108,
  fileEnd: 236,
} as const

export type Option = readonly [code: number, value: Uint8Array]

export type Request = {
  xid: number
  /** Seconds since the client began. */
  secs: number
  broadcast: boolean
  /** Of a client that has an address and speaks from it. */
  ciaddr?: Ipv4
  mac: Mac
  /** In the order in which they stand on the wire: firmware has its own order, and rules of some sites depend on it. */
  options: readonly Option[]
}

export type Reply = {
  xid: number
  type: 'offer' | 'ack' | 'nak'
  yiaddr: Ipv4
  siaddr: Ipv4
  /** The BOOTP field, up to its first NUL. */
  file: string
  chaddr: Uint8Array
  options: Map<number, Uint8Array>
}

export function encodeRequest(request: Request): Uint8Array {
  const options = request.options.flatMap(([code, value]) => [code, value.length, ...value])
  const length = Math.max(FIXED_BYTES + COOKIE.length + options.length + 1, BOOTP_MINIMUM_BYTES)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  bytes.set([OP_REQUEST, 1, 6, 0])
  view.setUint32(FIELD.xid, request.xid)
  view.setUint16(FIELD.secs, request.secs)
  view.setUint16(FIELD.flags, request.broadcast ? BROADCAST_FLAG : 0)
  if (request.ciaddr !== undefined) bytes.set(ipv4ToBytes(request.ciaddr), FIELD.ciaddr)
  bytes.set(macToBytes(request.mac), FIELD.chaddr)
  bytes.set([...COOKIE, ...options, END], FIXED_BYTES)
  return bytes
}

/** Adds the options of one area; the instances of one code are one value (RFC 3396 §7). False if it runs past its end. */
function collectOptions(area: Uint8Array, into: Map<number, Uint8Array>): boolean {
  for (let at = 0; at < area.length; ) {
    const code = area[at]!
    if (code === END) return true
    if (code === PAD) {
      at += 1
      continue
    }
    const length = area[at + 1]
    if (length === undefined || at + 2 + length > area.length) return false
    const value = area.subarray(at + 2, at + 2 + length)
    into.set(code, Uint8Array.from([...(into.get(code) ?? []), ...value]))
    at += 2 + length
  }
  return true
}

/** Follows option overload into `file` and `sname`, in that order (RFC 2132 §9.3). */
function readOptions(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const options = new Map<number, Uint8Array>()
  if (!collectOptions(bytes.subarray(FIXED_BYTES + COOKIE.length), options)) return undefined
  const overload = options.get(OPTION.overload)?.[0] ?? 0
  if (overload & 1 && !collectOptions(bytes.subarray(FIELD.file, FIELD.fileEnd), options)) return undefined
  if (overload & 2 && !collectOptions(bytes.subarray(FIELD.sname, FIELD.snameEnd), options)) return undefined
  return options
}

function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1')
}

function typeOf(code: number | undefined): Reply['type'] | undefined {
  if (code === MESSAGE_TYPE.offer) return 'offer'
  if (code === MESSAGE_TYPE.ack) return 'ack'
  return code === MESSAGE_TYPE.nak ? 'nak' : undefined
}

/** A reply to a client, or undefined for anything else, however broken. Never throws. */
export function decodeReply(bytes: Uint8Array): Reply | undefined {
  if (bytes.length < FIXED_BYTES + COOKIE.length || bytes[0] !== OP_REPLY || bytes[2] !== 6) return undefined
  if (COOKIE.some((octet, index) => bytes[FIXED_BYTES + index] !== octet)) return undefined
  const options = readOptions(bytes)
  const type = typeOf(options?.get(OPTION.messageType)?.[0])
  if (!options || !type) return undefined
  const address = (at: number) => ipv4FromBytes(bytes.subarray(at, at + 4)) ?? UNSPECIFIED
  const fileHoldsOptions = ((options.get(OPTION.overload)?.[0] ?? 0) & 1) === 1
  return {
    xid: new DataView(bytes.buffer, bytes.byteOffset).getUint32(FIELD.xid),
    type,
    yiaddr: address(FIELD.yiaddr),
    siaddr: address(FIELD.siaddr),
    file: fileHoldsOptions ? '' : readText(bytes.subarray(FIELD.file, FIELD.fileEnd)),
    chaddr: bytes.slice(FIELD.chaddr, FIELD.chaddr + 6),
    options,
  }
}

export function textOption(reply: Reply, code: number): string | undefined {
  const value = reply.options.get(code)
  return value && Buffer.from(value).toString('latin1')
}

export function addressesOption(reply: Reply, code: number): Ipv4[] {
  const value = reply.options.get(code) ?? new Uint8Array()
  const addresses: Ipv4[] = []
  for (let at = 0; at + 4 <= value.length; at += 4) addresses.push(ipv4FromBytes(value.subarray(at, at + 4))!)
  return addresses
}

export function addressOption(code: number, address: Ipv4): Option {
  return [code, ipv4ToBytes(address)]
}

/** A name of option 119 that ends at a zero label or a pointer into the option itself (RFC 3397 §2); undefined if broken. */
function readName(value: Uint8Array, start: number): { name: string; next: number } | undefined {
  const labels: string[] = []
  let at = start
  let next: number | undefined
  for (let steps = 0; steps < 128; steps++) {
    const length = value[at]
    if (length === undefined) return undefined
    if (length === 0) return { name: labels.join('.'), next: next ?? at + 1 }
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | (value[at + 1] ?? 0xff)
      if (target >= at) return undefined
      next ??= at + 2
      at = target
      continue
    }
    if (length > 63 || at + 1 + length > value.length) return undefined
    labels.push(Buffer.from(value.subarray(at + 1, at + 1 + length)).toString('latin1'))
    at += 1 + length
  }
  return undefined
}

/** The search list of option 119; what is broken ends it. */
export function searchList(value: Uint8Array): string[] {
  const names: string[] = []
  for (let at = 0; at < value.length; ) {
    const read = readName(value, at)
    if (!read) return names
    names.push(read.name)
    at = read.next
  }
  return names
}
