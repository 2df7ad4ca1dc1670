/** What single options mean (RFC 2132 and the RFCs named): reading never fails, a value of the wrong shape is absent. */
import { type Ipv4, ipv4FromBytes, ipv4ToBytes, ipv4ToNumber, maskOf, type Prefix } from '../kit/ipv4.ts'
import { readVendorClasses } from '../site/enterprise-blocks.ts'
import { type DhcpMessage, MESSAGE_TYPES, type MessageType } from './message.ts'

export const OPTION = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  dns: 6,
  hostName: 12,
  domainName: 15,
  broadcastAddress: 28,
  staticRoutes: 33,
  ntp: 42,
  vendorSpecific: 43,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverId: 54,
  parameterList: 55,
  message: 56,
  maxMessageSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  vendorClass: 60,
  clientId: 61,
  tftpServerName: 66,
  bootFile: 67,
  userClass: 77,
  relayAgent: 82,
  clientArchitecture: 93,
  machineId: 97,
  subnetSelection: 118,
  domainSearch: 119,
  classlessRoutes: 121,
  vendorClasses: 124,
  ipxe: 175,
  answerUrl: 250,
  answerFingerprint: 251,
  end: 255,
} as const

/** One character per octet; what a client says in text need not be UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}

export function uint8(value: number): Uint8Array {
  return Uint8Array.of(value)
}

export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value)
}

export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

export function addresses(list: readonly Ipv4[]): Uint8Array {
  const bytes = new Uint8Array(list.length * 4)
  list.forEach((address, index) => bytes.set(ipv4ToBytes(address), index * 4))
  return bytes
}

/** The value, unless it is absent or empty: an empty value never matches anything. */
function valueOf(message: DhcpMessage, code: number): Uint8Array | undefined {
  const value = message.options.get(code)
  return value && value.length > 0 ? value : undefined
}

function textOption(message: DhcpMessage, code: number): string | undefined {
  const value = valueOf(message, code)
  return value && textOf(value)
}

function addressOption(message: DhcpMessage, code: number): Ipv4 | undefined {
  const value = message.options.get(code)
  return value && ipv4FromBytes(value)
}

/** Big-endian units of two octets; an odd length makes all of it absent, so that nothing is read misaligned. */
function uint16List(value: Uint8Array | undefined): number[] {
  if (!value || value.length % 2 !== 0) return []
  const list: number[] = []
  for (let at = 0; at < value.length; at += 2) list.push((value[at]! << 8) | value[at + 1]!)
  return list
}

const TYPE_NAMES = new Map<number, MessageType>(
  Object.entries(MESSAGE_TYPES).map(([name, code]) => [code, name as MessageType]),
)

export function messageTypeOf(message: DhcpMessage): MessageType | undefined {
  const value = message.options.get(OPTION.messageType)
  return value?.length === 1 ? TYPE_NAMES.get(value[0]!) : undefined
}

export function serverIdOf(message: DhcpMessage): Ipv4 | undefined {
  return addressOption(message, OPTION.serverId)
}

/** Option 118 (RFC 3011 §2): an address of the subnet that the machine wants. */
export function subnetSelectionOf(message: DhcpMessage): Ipv4 | undefined {
  return addressOption(message, OPTION.subnetSelection)
}

export function requestedAddressOf(message: DhcpMessage): Ipv4 | undefined {
  return addressOption(message, OPTION.requestedAddress)
}

/** Option 55, in the client's order. */
export function parameterListOf(message: DhcpMessage): number[] {
  const list: number[] = []
  const value = message.options.get(OPTION.parameterList)
  if (value) for (let at = 0; at < value.length; at++) list.push(value[at]!)
  return list
}

/** Option 57 in bytes of an IP datagram, as sent; the limits are codec.ts's. */
export function maxMessageSizeOf(message: DhcpMessage): number | undefined {
  const value = message.options.get(OPTION.maxMessageSize)
  return value?.length === 2 ? uint16List(value)[0] : undefined
}

/** Option 61, as sent. */
export function clientIdOf(message: DhcpMessage): Uint8Array | undefined {
  return valueOf(message, OPTION.clientId)
}

/** Boot clients call themselves so in option 60; some say it as a vendor-identifying class only (RFC 3925 §3). */
const BOOT_CLIENT = /^(PXE|HTTP)Client/

/** Option 60, else what option 124 says of a boot client, whatever the vendor. */
export function vendorClassOf(message: DhcpMessage): string | undefined {
  return textOption(message, OPTION.vendorClass) ?? bootClassOf(message.options.get(OPTION.vendorClasses))
}

function bootClassOf(value: Uint8Array | undefined): string | undefined {
  const classes = (value && readVendorClasses(value)) ?? []
  return classes.map(({ data }) => textOf(data)).find(said => BOOT_CLIENT.test(said))
}

export function bootFileOf(message: DhcpMessage): string | undefined {
  return textOption(message, OPTION.bootFile)
}

/** Option 93 (RFC 4578 §2.1), in the client's order. */
export function architecturesOf(message: DhcpMessage): number[] {
  return uint16List(valueOf(message, OPTION.clientArchitecture))
}

/** Option 77: a list of counted strings (RFC 3004 §4), or, as iPXE sends it, one bare string. */
export function userClassesOf(message: DhcpMessage): string[] {
  const value = valueOf(message, OPTION.userClass)
  if (!value) return []
  return countedStrings(value) ?? [textOf(value)]
}

function countedStrings(value: Uint8Array): string[] | undefined {
  const list: string[] = []
  let at = 0
  while (at < value.length) {
    const length = value[at]!
    if (length === 0 || at + 1 + length > value.length) return undefined
    list.push(textOf(value.subarray(at + 1, at + 1 + length)))
    at += 1 + length
  }
  return list
}

const MACHINE_ID_LENGTH = 17

/** Option 97 if it has its one defined form, type 0 and 16 octets (RFC 4578 §2.3). */
export function machineIdOf(message: DhcpMessage): Uint8Array | undefined {
  const value = message.options.get(OPTION.machineId)
  return value?.length === MACHINE_ID_LENGTH && value[0] === 0 ? value : undefined
}

/** SMBIOS stores the first three fields little-endian, and firmware sends them so; people and installers write big-endian. */
const UUID_OCTETS = [4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16]

export function uuidOf(message: DhcpMessage): string | undefined {
  const id = machineIdOf(message)
  if (!id) return undefined
  const hex = UUID_OCTETS.map(at => id[at]!.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** Option 119 (RFC 3397 §2): names share their endings by pointers relative to the start of the value. */
export function encodeDomainSearch(domains: readonly string[]): Uint8Array {
  const bytes: number[] = []
  const seen = new Map<string, number>()
  for (const domain of domains) {
    const labels = domain.toLowerCase().split('.')
    while (labels.length > 0) {
      const rest = labels.join('.')
      const earlier = seen.get(rest)
      if (earlier !== undefined) {
        bytes.push(0xc0 | (earlier >>> 8), earlier & 0xff)
        break
      }
      seen.set(rest, bytes.length)
      const label = bytesOf(labels.shift()!)
      bytes.push(label.length, ...label)
      if (labels.length === 0) bytes.push(0)
    }
  }
  return Uint8Array.from(bytes)
}

/** Option 121 (RFC 3442): the prefix length, only its significant octets with host bits cleared, then the router. */
export function encodeClasslessRoutes(routes: readonly { to: Prefix; via: Ipv4 }[]): Uint8Array {
  const bytes = routes.flatMap(({ to, via }) => {
    const network = uint32(ipv4ToNumber(to.network) & ipv4ToNumber(maskOf(to)))
    return [to.length, ...network.subarray(0, Math.ceil(to.length / 8)), ...ipv4ToBytes(via)]
  })
  return Uint8Array.from(bytes)
}
