/** Hardware addresses of Ethernet NICs, in one spelling: lower case with colons. */

declare const brand: unique symbol
export type Mac = string & { readonly [brand]: 'Mac' }

const WRITTEN = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/

/** Reads six octets in any case, with colons or dashes; anything else is undefined. */
export function parseMac(text: string): Mac | undefined {
  const lower = text.trim().toLowerCase()
  return WRITTEN.test(lower) ? (lower.replaceAll('-', ':') as Mac) : undefined
}

const HEXADECIMAL = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))

/** Six octets as they stand in `chaddr`; another length is not an Ethernet address. */
export function macFromBytes(bytes: Uint8Array): Mac | undefined {
  if (bytes.length !== 6) return undefined
  const [a, b, c, d, e, f] = bytes as unknown as [number, number, number, number, number, number]
  const hex = HEXADECIMAL
  return `${hex[a]}:${hex[b]}:${hex[c]}:${hex[d]}:${hex[e]}:${hex[f]}` as Mac
}

export function macToBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(mac.split(':'), octet => Number.parseInt(octet, 16))
}
