/** Forms of values that several tables share: names, addresses, URLs, fingerprints. */
import { ipv4ToNumber, parseInterfaceAddress, parseIpv4, prefixContains } from '../kit/ipv4.ts'
import { isPlainIpv6 } from '../kit/ipv6.ts'

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const LONGEST_NAME = 253

/** Labels of letters, digits and inner hyphens, 1 to 63 each, 253 in all (RFC 1123 §2.1); no trailing dot. */
export function isDomainName(text: string): boolean {
  return text.length <= LONGEST_NAME && text.split('.').every(label => LABEL.test(label))
}

/** What is wrong with a full name as the installer reads it; undefined if nothing is. */
export function findNameMistake(fqdn: string): string | undefined {
  if (fqdn.endsWith('.')) return 'ends with a dot'
  if (!isDomainName(fqdn)) return 'has a label that is empty, too long or not of letters, digits and inner hyphens'
  const labels = fqdn.split('.')
  if (labels.length < 2) return 'has no domain'
  return /^\d+$/.test(labels[0]!) ? 'has a host part of digits only' : undefined
}

export type Family = 4 | 6

const GROUPS = 8
const GROUP_BITS = 16n

/** The 128 bits of an IPv6 address without zone (RFC 4291 §2.2); undefined for anything else. */
function ipv6Bits(text: string): bigint | undefined {
  // The last two groups may be written as IPv4.
  const [, dotted] = /:(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? []
  const embedded = dotted === undefined ? undefined : parseIpv4(dotted)
  if (dotted !== undefined && !embedded) return undefined
  const low = embedded ? ipv4ToNumber(embedded) : 0
  const tail = embedded ? `${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}` : ''
  const plain = embedded ? text.slice(0, -dotted!.length) + tail : text
  if (!isPlainIpv6(plain)) return undefined
  const [left = '', right] = plain.split('::')
  const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const ends = [groupsOf(left), groupsOf(right ?? '')] as const
  const zeros = Array.from({ length: GROUPS - ends[0].length - ends[1].length }, () => '0')
  return [...ends[0], ...zeros, ...ends[1]].reduce((bits, group) => (bits << GROUP_BITS) | BigInt(`0x${group}`), 0n)
}

/** 4 or 6; undefined for anything that is not one plain address. */
export function familyOf(address: string): Family | undefined {
  if (parseIpv4(address)) return 4
  return ipv6Bits(address) === undefined ? undefined : 6
}

const IPV6_BITS = 128

/** The two parts of an IPv6 `address/length`. */
function splitIpv6(cidr: string): { bits: bigint; length: number } | undefined {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(cidr) ?? []
  const bits = ipv6Bits(address)
  return bits === undefined || Number(digits) > IPV6_BITS ? undefined : { bits, length: Number(digits) }
}

/** The family of `address/length`; an address without length is undefined, as it would be read as a single host. */
export function familyOfCidr(cidr: string): Family | undefined {
  if (parseInterfaceAddress(cidr)) return 4
  return splitIpv6(cidr) ? 6 : undefined
}

/** Whether an address of the same family is in the network of `address/length`. */
export function contains(cidr: string, address: string): boolean {
  const own = parseInterfaceAddress(cidr)
  const other = parseIpv4(address)
  if (own || other) return own !== undefined && other !== undefined && prefixContains(own.prefix, other)
  const network = splitIpv6(cidr)
  const bits = ipv6Bits(address)
  if (!network || bits === undefined) return false
  const shift = BigInt(IPV6_BITS - network.length)
  return network.bits >> shift === bits >> shift
}

/** What is wrong with a URL that the installer is to use; undefined if nothing is. */
export function findUrlMistake(text: string): string | undefined {
  if (/[^\x21-\x7e]/.test(text)) return 'has a blank, control or non-ASCII character'
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return 'is not an http or https URL'
  const url = new URL(text)
  // The installer's TLS library takes no bracketed address as server name: "invalid dns name".
  if (url.protocol === 'https:' && url.hostname.startsWith('[')) return 'is https to a literal IPv6 address'
  return undefined
}

/** SHA-256 of a certificate: 64 hexadecimal digits in any case, with or without colons; no prefix. */
export function isFingerprint(text: string): boolean {
  return /^[0-9a-f]{64}$/i.test(text.replaceAll(':', ''))
}

/** A line break in a value would end the line that the installer writes it to. */
export function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
