/** Forms of values that several tables share: names, addresses, URLs, fingerprints. */
import { z } from 'zod'
import { parseInterfaceAddress, parseIpv4 } from '../kit/ipv4.ts'

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

const ipv6 = z.ipv6()

/** 4 or 6; undefined for anything that is not one plain address. */
export function familyOf(address: string): Family | undefined {
  if (parseIpv4(address)) return 4
  return ipv6.safeParse(address).success ? 6 : undefined
}

/** The family of `address/length`; an address without length is undefined, as it would be read as a single host. */
export function familyOfCidr(cidr: string): Family | undefined {
  if (parseInterfaceAddress(cidr)) return 4
  const match = /^([^/]+)\/(\d{1,3})$/.exec(cidr)
  return match && Number(match[2]) <= 128 && familyOf(match[1]!) === 6 ? 6 : undefined
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
