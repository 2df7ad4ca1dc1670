/** IPv4 addresses, prefixes and ranges. Addresses are dotted text; arithmetic happens on 32-bit numbers. */
import { isIPv4 } from 'node:net'

declare const brand: unique symbol
export type Ipv4 = string & { readonly [brand]: 'Ipv4' }

/** A network: its first address and the length of its mask in bits. */
export type Prefix = { network: Ipv4; length: number }

/** Addresses from first to last, both included. */
export type Range = { first: Ipv4; last: Ipv4 }

export const UNSPECIFIED = '0.0.0.0' as Ipv4
export const LIMITED_BROADCAST = '255.255.255.255' as Ipv4

/** Four decimal octets without leading zeros; anything else is undefined. */
export function parseIpv4(text: string): Ipv4 | undefined {
  return isIPv4(text) ? (text as Ipv4) : undefined
}

const DOT = 46
const ZERO = 48

/** Digit by digit: this runs dozens of times for each packet, and splitting the text costs ten times as much. */
export function ipv4ToNumber(address: Ipv4): number {
  let value = 0
  let octet = 0
  for (let at = 0; at < address.length; at++) {
    const code = address.charCodeAt(at)
    if (code === DOT) {
      value = (value << 8) | octet
      octet = 0
    } else octet = octet * 10 + code - ZERO
  }
  return ((value << 8) | octet) >>> 0
}

export function ipv4FromNumber(value: number): Ipv4 {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}` as Ipv4
}

export function ipv4FromBytes(bytes: Uint8Array): Ipv4 | undefined {
  return bytes.length === 4 ? (`${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` as Ipv4) : undefined
}

export function ipv4ToBytes(address: Ipv4): Uint8Array {
  const value = ipv4ToNumber(address)
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

function maskNumber(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
}

export function maskOf(prefix: Prefix): Ipv4 {
  return ipv4FromNumber(maskNumber(prefix.length))
}

/** Reads `10.77.0.1/24` as the address and the network around it. */
export function parseInterfaceAddress(text: string): { address: Ipv4; prefix: Prefix } | undefined {
  const slash = text.indexOf('/')
  const address = parseIpv4(text.slice(0, slash))
  const bits = text.slice(slash + 1)
  if (slash < 0 || !address || !/^(3[0-2]|[12]?\d)$/.test(bits)) return undefined
  const length = Number(bits)
  return { address, prefix: { network: ipv4FromNumber((ipv4ToNumber(address) & maskNumber(length)) >>> 0), length } }
}

/** Reads `10.77.0.0/24`; host bits that are set make it undefined, since such a prefix is a typing mistake. */
export function parsePrefix(text: string): Prefix | undefined {
  const read = parseInterfaceAddress(text)
  return read && read.address === read.prefix.network ? read.prefix : undefined
}

export function prefixToString(prefix: Prefix): string {
  return `${prefix.network}/${prefix.length}`
}

export function prefixContains(prefix: Prefix, address: Ipv4): boolean {
  return (ipv4ToNumber(address) & maskNumber(prefix.length)) >>> 0 === ipv4ToNumber(prefix.network)
}

export function broadcastOf(prefix: Prefix): Ipv4 {
  return ipv4FromNumber((ipv4ToNumber(prefix.network) | ~maskNumber(prefix.length)) >>> 0)
}

/** Reads `10.77.0.100-10.77.0.199`; a range that runs backwards is undefined. */
export function parseRange(text: string): Range | undefined {
  const [left = '', right = '', more] = text.split('-')
  const first = parseIpv4(left.trim())
  const last = parseIpv4(right.trim())
  if (!first || !last || more !== undefined || ipv4ToNumber(first) > ipv4ToNumber(last)) return undefined
  return { first, last }
}

export function rangeContains(range: Range, address: Ipv4): boolean {
  const value = ipv4ToNumber(address)
  return value >= ipv4ToNumber(range.first) && value <= ipv4ToNumber(range.last)
}
