/** DHCPv4 on the wire: RFC 2131 §2 and §4.1, RFC 2132, long options by RFC 3396. Total in both directions. */
import { type Ipv4, ipv4FromNumber, ipv4ToNumber, UNSPECIFIED } from '../kit/ipv4.ts'
import { freshOctets } from '../kit/octets.ts'
import type { DhcpMessage, Malformed } from './message.ts'
import { bytesOf, maxMessageSizeOf, OPTION, textOf } from './options.ts'

const SNAME_AT = 44
const FILE_AT = 108
const COOKIE_AT = 236
const OPTIONS_AT = 240
/** 99, 130, 83, 99. */
const MAGIC_COOKIE = 0x63825363
const BROADCAST_FLAG = 0x8000
const MAX_HARDWARE_ADDRESS = 16

/** The smallest BOOTP message; some relays and ROMs drop shorter ones (RFC 1542 §2.1). */
const MIN_MESSAGE_BYTES = 300
/** Every client takes an IP datagram of this size (RFC 2131 §2), and saying less in option 57 does not change that. */
const MIN_DATAGRAM_BYTES = 576
const IP_AND_UDP_HEADER_BYTES = 28
const MAX_INSTANCE_BYTES = 255

const OVERLOAD_FILE = 1
const OVERLOAD_SNAME = 2

/** Reads one datagram, whose octets become those of the message. Never throws and never reads past the end, whatever the bytes are. */
export function decode(datagram: Uint8Array): DhcpMessage | Malformed {
  if (datagram.length < OPTIONS_AT) return { malformed: 'too-short' }
  // All values are parts of it; parts of a Buffer would be Buffers, which cost several times as much to make.
  const bytes = new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length)
  const wire = new DataView(datagram.buffer, datagram.byteOffset)
  if (wire.getUint32(COOKIE_AT) !== MAGIC_COOKIE) return { malformed: 'no-magic-cookie' }
  const op = bytes[0] === 1 ? 'request' : bytes[0] === 2 ? 'reply' : undefined
  if (!op) return { malformed: 'unknown-op' }
  const hlen = bytes[2]!
  if (hlen > MAX_HARDWARE_ADDRESS) return { malformed: 'hardware-address-too-long' }
  const read = decodeOptions(bytes)
  if (!read) return { malformed: 'truncated-option' }
  return {
    op,
    htype: bytes[1]!,
    chaddr: bytes.subarray(28, 28 + hlen),
    hops: bytes[3]!,
    xid: wire.getUint32(4),
    secs: wire.getUint16(8),
    broadcast: (wire.getUint16(10) & BROADCAST_FLAG) !== 0,
    ciaddr: addressAt(wire, 12),
    yiaddr: addressAt(wire, 16),
    siaddr: addressAt(wire, 20),
    giaddr: addressAt(wire, 24),
    sname: read.overload & OVERLOAD_SNAME ? '' : fieldText(bytes, SNAME_AT, FILE_AT),
    file: read.overload & OVERLOAD_FILE ? '' : fieldText(bytes, FILE_AT, COOKIE_AT),
    options: read.options,
  }
}

function addressAt(wire: DataView, at: number): Ipv4 {
  const value = wire.getUint32(at)
  return value === 0 ? UNSPECIFIED : ipv4FromNumber(value)
}

function fieldText(bytes: Uint8Array, from: number, to: number): string {
  const nul = bytes.indexOf(0, from)
  return nul === from ? '' : textOf(bytes.subarray(from, nul < 0 || nul > to ? to : nul))
}

/** The first instance of each option, and all instances of those that came more than once. */
type Instances = { first: Map<number, Uint8Array>; repeated?: Map<number, Uint8Array[]> }

/** All options and the overload bits; undefined if an option runs past its field. */
function decodeOptions(bytes: Uint8Array) {
  const instances: Instances = { first: new Map() }
  if (!collect(bytes.subarray(OPTIONS_AT), instances)) return undefined
  const options = instances.first
  const stated = options.get(OPTION.overload)
  const overload = stated?.length === 1 ? stated[0]! & 3 : 0
  // `file` before `sname` (RFC 3396 §5). An overload option inside them is not followed: the bits are already fixed.
  if (overload & OVERLOAD_FILE && !collect(bytes.subarray(FILE_AT, COOKIE_AT), instances)) return undefined
  if (overload & OVERLOAD_SNAME && !collect(bytes.subarray(SNAME_AT, FILE_AT), instances)) return undefined
  for (const [code, parts] of instances.repeated ?? []) options.set(code, Uint8Array.from(Buffer.concat(parts)))
  options.delete(OPTION.overload)
  return { overload, options }
}

/** Adds the instances of one field; bytes after End are ignored, a missing End is tolerated (RFC 2131 §4.1). */
function collect(field: Uint8Array, instances: Instances): boolean {
  const { first } = instances
  let at = 0
  while (at < field.length) {
    const code = field[at]!
    if (code === OPTION.end) return true
    at += 1
    if (code === OPTION.pad) continue
    const length = field[at]
    if (length === undefined || at + 1 + length > field.length) return false
    const value = field.subarray(at + 1, at + 1 + length)
    const earlier = first.get(code)
    if (!earlier) first.set(code, value)
    else repeat(instances, code, earlier, value)
    at += 1 + length
  }
  return true
}

function repeat(instances: Instances, code: number, earlier: Uint8Array, value: Uint8Array): void {
  instances.repeated ??= new Map()
  const before = instances.repeated.get(code)
  if (before) before.push(value)
  else instances.repeated.set(code, [earlier, value])
}

/** How long the UDP payload may become. */
export type Limits = { maxBytes: number }

/** Option 57 counts the whole IP datagram; OVMF asks for 65280, so the interface's MTU bounds it too. */
export function limitsFor(request: DhcpMessage, mtu: number): Limits {
  const asked = Math.max(maxMessageSizeOf(request) ?? MIN_DATAGRAM_BYTES, MIN_DATAGRAM_BYTES)
  return { maxBytes: Math.min(asked, mtu) - IP_AND_UDP_HEADER_BYTES }
}

export function encode(message: DhcpMessage, limits: Limits): Uint8Array {
  return encodeWithin(message, limits).bytes
}

/**
 * Encodes in the order of the map. What does not fit goes to empty `file` and `sname` fields (overload, RFC 2132 §9.3),
 * and what fits nowhere is left out and named. Throws RangeError for a `file` or `sname` with no room for its NUL.
 */
export function encodeWithin(message: DhcpMessage, limits: Limits): { bytes: Uint8Array; dropped: number[] } {
  const room = limits.maxBytes - OPTIONS_AT - 1
  const relayAgent = message.options.get(OPTION.relayAgent)
  const isRoomy = wireLength(message.options) <= room && (!relayAgent || instancesLength(relayAgent) <= room / 2)
  return isRoomy ? { bytes: writeAll(message), dropped: [] } : writeFitting(message, limits)
}

/** Nearly every reply: all options stand in `options`, written where they belong at once. */
function writeAll(message: DhcpMessage): Uint8Array {
  const { options } = message
  const bytes = freshOctets(Math.max(MIN_MESSAGE_BYTES, OPTIONS_AT + wireLength(options) + 1))
  writeHead(message, bytes)
  let at = OPTIONS_AT
  for (const [code, value] of options) if (code !== OPTION.relayAgent) at = writeInstances(bytes, at, code, value)
  const relayAgent = options.get(OPTION.relayAgent)
  if (relayAgent) at = writeInstances(bytes, at, OPTION.relayAgent, relayAgent)
  bytes[at] = OPTION.end
  return bytes
}

function wireLength(options: ReadonlyMap<number, Uint8Array>): number {
  let total = 0
  for (const value of options.values()) total += instancesLength(value)
  return total
}

function instancesLength(value: Uint8Array): number {
  return value.length + 2 * Math.max(1, Math.ceil(value.length / MAX_INSTANCE_BYTES))
}

/** The value in instances of at most 255 octets (RFC 3396 §6), with code and length; returns where the next option begins. */
function writeInstances(bytes: Uint8Array, at: number, code: number, value: Uint8Array): number {
  for (let from = 0; from === 0 || from < value.length; from += MAX_INSTANCE_BYTES) {
    const length = Math.min(value.length - from, MAX_INSTANCE_BYTES)
    bytes[at] = code
    bytes[at + 1] = length
    bytes.set(length === value.length ? value : value.subarray(from, from + length), at + 2)
    at += 2 + length
  }
  return at
}

function writeFitting(message: DhcpMessage, limits: Limits): { bytes: Uint8Array; dropped: number[] } {
  const { fields, dropped } = layOut(message, limits)
  const bytes = freshOctets(Math.max(MIN_MESSAGE_BYTES, OPTIONS_AT + fields.options.length))
  writeHead(message, bytes)
  bytes.set(fields.sname, SNAME_AT)
  bytes.set(fields.file, FILE_AT)
  bytes.set(fields.options, OPTIONS_AT)
  return { bytes, dropped }
}

/** All that stands before the options. */
function writeHead(message: DhcpMessage, bytes: Uint8Array): void {
  const wire = new DataView(bytes.buffer, bytes.byteOffset)
  bytes[0] = message.op === 'request' ? 1 : 2
  bytes[1] = message.htype
  bytes[2] = message.chaddr.length
  bytes[3] = message.hops
  wire.setUint32(4, message.xid)
  wire.setUint16(8, message.secs)
  wire.setUint16(10, message.broadcast ? BROADCAST_FLAG : 0)
  wire.setUint32(12, ipv4ToNumber(message.ciaddr))
  wire.setUint32(16, ipv4ToNumber(message.yiaddr))
  wire.setUint32(20, ipv4ToNumber(message.siaddr))
  wire.setUint32(24, ipv4ToNumber(message.giaddr))
  bytes.set(message.chaddr, 28)
  writeText(bytes, SNAME_AT, FILE_AT, message.sname)
  writeText(bytes, FILE_AT, COOKIE_AT, message.file)
  wire.setUint32(COOKIE_AT, MAGIC_COOKIE)
}

/** Old PXE ROMs read until a NUL and beyond the field, so there always is one. */
function writeText(bytes: Uint8Array, at: number, end: number, text: string): void {
  if (text.length >= end - at) throw new RangeError(`${text.length} characters leave no room for a NUL`)
  if (text !== '') bytes.set(bytesOf(text), at)
}

type Field = { name: 'options' | 'file' | 'sname'; room: number; parts: Uint8Array[] }

function layOut(message: DhcpMessage, limits: Limits) {
  const room = limits.maxBytes - OPTIONS_AT - 1
  const relayAgent = instancesOf(OPTION.relayAgent, message.options.get(OPTION.relayAgent))
  const others = [...message.options].filter(([code]) => code !== OPTION.relayAgent)
  const values = others.map(([code, value]) => ({ code, parts: instancesOf(code, value) }))
  const total = lengthOf(relayAgent) + values.reduce((sum, { parts }) => sum + lengthOf(parts), 0)
  const fields: Field[] = [{ name: 'options', room, parts: [] }]
  if (total > room) overloadInto(fields, message)
  // Option 82 stands last and in `options` only (RFC 3046 §2.2): its room is set aside first.
  const dropped: number[] = []
  const echoed = lengthOf(relayAgent) <= fields[0]!.room / 2 ? relayAgent : []
  if (echoed.length < relayAgent.length) dropped.push(OPTION.relayAgent)
  fields[0]!.room -= lengthOf(echoed)
  for (const { code, parts } of values) if (!place(parts, fields)) dropped.push(code)
  fields[0]!.parts.push(...echoed)
  return { fields: closed(fields), dropped }
}

function overloadInto(fields: Field[], message: DhcpMessage): void {
  if (message.file === '') fields.push({ name: 'file', room: COOKIE_AT - FILE_AT - 1, parts: [] })
  if (message.sname === '') fields.push({ name: 'sname', room: FILE_AT - SNAME_AT - 1, parts: [] })
  if (fields.length > 1) fields[0]!.room -= 3
}

/** The same as parts, for who has to find a place for each. */
function instancesOf(code: number, value: Uint8Array | undefined): Uint8Array[] {
  if (!value) return []
  const whole = new Uint8Array(instancesLength(value))
  writeInstances(whole, 0, code, value)
  const parts: Uint8Array[] = []
  for (let at = 0; at < whole.length; at += MAX_INSTANCE_BYTES + 2)
    parts.push(whole.subarray(at, at + MAX_INSTANCE_BYTES + 2))
  return parts
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

/** All instances of one option in fields in reading order, or none of them. */
function place(parts: readonly Uint8Array[], fields: Field[]): boolean {
  const rooms = fields.map(field => field.room)
  const target: number[] = []
  let from = 0
  for (const part of parts) {
    while (from < rooms.length && rooms[from]! < part.length) from += 1
    if (from === rooms.length) return false
    rooms[from]! -= part.length
    target.push(from)
  }
  parts.forEach((part, i) => {
    fields[target[i]!]!.parts.push(part)
    fields[target[i]!]!.room -= part.length
  })
  return true
}

function closed(fields: Field[]): Record<Field['name'], Uint8Array> {
  const partsOf = (name: Field['name']) => fields.find(field => field.name === name)?.parts ?? []
  const overload = (partsOf('file').length > 0 ? OVERLOAD_FILE : 0) | (partsOf('sname').length > 0 ? OVERLOAD_SNAME : 0)
  const note = overload ? [Uint8Array.of(OPTION.overload, 1, overload)] : []
  const ended = (parts: Uint8Array[]) => Uint8Array.from(Buffer.concat([...parts, Uint8Array.of(OPTION.end)]))
  const main = partsOf('options')
  // After the message type, where an impatient decoder still meets it early; before option 82, which stays last.
  const options = ended([...main.slice(0, 1), ...note, ...main.slice(1)])
  const field = (name: Field['name']) => (partsOf(name).length > 0 ? ended(partsOf(name)) : new Uint8Array())
  return { options, file: field('file'), sname: field('sname') }
}
