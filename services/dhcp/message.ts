/** A DHCPv4 message as values (RFC 2131 §2). The wire form is codec.ts; what options mean is options.ts. */
import type { Ipv4 } from '../kit/ipv4.ts'

export type DhcpMessage = {
  op: 'request' | 'reply'
  htype: number
  /** `hlen` octets of the client's hardware address. */
  chaddr: Uint8Array
  hops: number
  xid: number
  /** Seconds since the client began, as it says. */
  secs: number
  /** The BROADCAST bit; the other flag bits must be zero and are ignored. */
  broadcast: boolean
  ciaddr: Ipv4
  yiaddr: Ipv4
  siaddr: Ipv4
  giaddr: Ipv4
  /** One character per octet, up to the first NUL; empty where the field carries options (overload). */
  sname: string
  file: string
  /** Values by code, instances joined (RFC 3396), in the order of their first appearance; without pad, overload and end. */
  options: ReadonlyMap<number, Uint8Array>
}

export type MalformedDetail =
  | 'too-short'
  | 'no-magic-cookie'
  | 'unknown-op'
  | 'hardware-address-too-long'
  | 'truncated-option'

/** Bytes that are no DHCP message, and why. */
export type Malformed = { malformed: MalformedDetail }

export function isMalformed(decoded: DhcpMessage | Malformed): decoded is Malformed {
  return 'malformed' in decoded
}

/** Option 53 (RFC 2132 §9.6). */
export const MESSAGE_TYPES = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const

export type MessageType = keyof typeof MESSAGE_TYPES
export type ReplyType = 'offer' | 'ack' | 'nak'

export const SERVER_PORT = 67
export const CLIENT_PORT = 68
