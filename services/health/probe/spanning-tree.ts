/** Frames by which bridges agree on a tree: IEEE 802.1D §9.3, and Cisco's of each VLAN, which differ in their head only. Total. */
import { macFromBytes } from '../../kit/mac.ts'
import type { SpanningTree } from './link.ts'

/** Bridges speak every two seconds. */
export const HELLOS_MS = 4_600

/** Whom such frames are sent to. */
export const SPANNING_TREE_GROUPS: readonly Uint8Array[] = [
  Uint8Array.of(0x01, 0x80, 0xc2, 0x00, 0x00, 0x00),
  Uint8Array.of(0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd),
]

const ETHERNET_HEAD = 14
const LLC = [0x42, 0x42, 0x03]
/** SNAP with Cisco's identifier and protocol 0x010b. */
const SNAP = [0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x01, 0x0b]
/** A topology change has no times. */
const TOPOLOGY_CHANGE = 0x80
const AT = { version: 2, type: 3, bridgeMac: 19, forwardDelay: 33 }
/** Times count in 256ths of a second. */
const UNITS_PER_SECOND = 256

export function parseSpanningTree(frame: Uint8Array): SpanningTree | undefined {
  const begins = (head: readonly number[]): boolean => head.every((octet, at) => frame[ETHERNET_HEAD + at] === octet)
  const head = begins(LLC) ? LLC.length : begins(SNAP) ? SNAP.length : undefined
  if (head === undefined) return undefined
  const body = frame.subarray(ETHERNET_HEAD + head)
  const bridge = macFromBytes(body.subarray(AT.bridgeMac, AT.bridgeMac + 6))
  const isOurs = body[0] === 0 && body[1] === 0 && body[AT.type] !== TOPOLOGY_CHANGE
  if (!isOurs || !bridge || body.length < AT.forwardDelay + 2) return undefined
  const delay = (body[AT.forwardDelay]! << 8) | body[AT.forwardDelay + 1]!
  return { version: body[AT.version]!, forwardDelayMs: Math.round((delay / UNITS_PER_SECOND) * 1000), bridge }
}
