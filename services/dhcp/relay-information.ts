/** What a relay agent says in option 82: RFC 3046 §2 and the sub-options of RFC 3527, RFC 5107 and RFC 8357. Total: no value makes it throw. */
import { type Ipv4, ipv4FromBytes, UNSPECIFIED } from '../kit/ipv4.ts'
import type { DhcpMessage } from './message.ts'
import { OPTION } from './options.ts'

export type RelayInformation = {
  /** The circuit that the machine is at, as hexadecimal text: opaque and whole (RFC 3046 §3.1). */
  circuitId?: string
  /** An address of the link where the machine is, if that is not the one of giaddr (RFC 3527 §3). */
  linkSelection?: Ipv4
  /** What the machine is to take for the server identifier, so that its renewals go through the relay agent (RFC 5107 §4). */
  serverId?: Ipv4
  /** The relay agent hears replies at the UDP port that it sent from, not at 67 (RFC 8357). */
  atSourcePort: boolean
  /** The sub-options could not be read, so none of them counts. */
  isBroken: boolean
}

const SUB_OPTION = { circuitId: 1, linkSelection: 5, serverIdOverride: 11, relaySourcePort: 19 } as const

const NOTHING_SAID: RelayInformation = { atSourcePort: false, isBroken: false }
const BROKEN: RelayInformation = { atSourcePort: false, isBroken: true }

/** Without giaddr no relay agent sent it, and option 82 is nobody's word (RFC 3046 §2.1). Whether the agent is one of the site's is for subnet.ts to say. */
export function relayInformationOf({ giaddr, options }: Pick<DhcpMessage, 'giaddr' | 'options'>): RelayInformation {
  const value = giaddr === UNSPECIFIED ? undefined : options.get(OPTION.relayAgent)
  return value ? readRelayInformation(value) : NOTHING_SAID
}

/** Reads the value of option 82. One sub-option of the wrong shape breaks all: half of what an agent means may be the opposite of it. */
export function readRelayInformation(value: Uint8Array): RelayInformation {
  const parts = subOptionsOf(value)
  if (!parts) return BROKEN
  const circuit = parts.get(SUB_OPTION.circuitId)
  const link = parts.get(SUB_OPTION.linkSelection)
  const override = parts.get(SUB_OPTION.serverIdOverride)
  const linkSelection = link && addressIn(link)
  const serverId = override && addressIn(override)
  if ((link && !linkSelection) || (override && !serverId)) return BROKEN
  return {
    ...(circuit && circuit.length > 0 ? { circuitId: Buffer.from(circuit).toString('hex') } : {}),
    ...(linkSelection ? { linkSelection } : {}),
    ...(serverId ? { serverId } : {}),
    // Being there is what it says: RFC 8357 gives it no value.
    atSourcePort: parts.has(SUB_OPTION.relaySourcePort),
    isBroken: false,
  }
}

/** Code, length, value, with neither pad nor end (RFC 3046 §2.0). Undefined if one is cut off, or there twice. */
function subOptionsOf(value: Uint8Array): Map<number, Uint8Array> | undefined {
  const parts = new Map<number, Uint8Array>()
  let at = 0
  while (at < value.length) {
    const [code, length] = [value[at]!, value[at + 1]]
    if (length === undefined || at + 2 + length > value.length || parts.has(code)) return undefined
    parts.set(code, value.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return parts
}

function addressIn(part: Uint8Array): Ipv4 | undefined {
  const address = ipv4FromBytes(part)
  return address === UNSPECIFIED ? undefined : address
}
