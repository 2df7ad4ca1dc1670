/** What boots without a lease: the proxy on port 67 and the boot server on port 4011, which hear the same octets. */
import { isBinl, respondAsBootServer } from '../../../services/dhcp/boot-server.ts'
import { decode, encodeWithin, limitsFor } from '../../../services/dhcp/codec.ts'
import type { BootView, Decision } from '../../../services/dhcp/decision.ts'
import { bootServerDestination, destinationOf } from '../../../services/dhcp/destination.ts'
import { type DhcpMessage, isMalformed } from '../../../services/dhcp/message.ts'
import { OPTION } from '../../../services/dhcp/options.ts'
import { respondAsProxy } from '../../../services/dhcp/proxy.ts'
import { REASONS } from '../../../services/dhcp/reasons.ts'
import { ip } from '../../dhcp/messages.ts'
import { server, TestFleet } from '../../dhcp/rig.ts'
import { hold, type Target } from '../target.ts'
import { capturedPayloads } from './captured.ts'

const MTU = 1500
const ASKER = { address: ip('10.77.0.150'), port: 4011 }
const VIEW: BootView = { server: server(), fleet: new TestFleet() }

const option = (...octets: number[]) => Uint8Array.from(octets)
const WORDS = [
  ...[1, 3, 8].map(type => option(OPTION.messageType, 1, type)),
  option(OPTION.vendorSpecific, 7, 71, 4, 0, 0, 0, 0, 255),
  option(OPTION.vendorSpecific, 7, 71, 4, 128, 0, 128, 1, 255),
  option(OPTION.vendorSpecific, 6, 71, 200, 0, 0, 0, 0),
  option(OPTION.vendorSpecific, 3, 6, 1, 8),
  option(OPTION.vendorSpecific, 0),
  option(OPTION.answerUrl, 2, 1, 4),
  option(OPTION.serverId, 4, 10, 77, 0, 9),
  option(OPTION.vendorClass, 9, ...Buffer.from('PXEClient')),
  option(OPTION.vendorClass, 10, ...Buffer.from('HTTPClient')),
  option(OPTION.clientArchitecture, 2, 0, 7),
  option(0x81, ...Buffer.from('NEG')),
]

function holdsFor(decision: Decision, request: DhcpMessage, as: 'proxy' | 'boot-server'): string {
  hold('the reason is of the table', decision.reason in REASONS)
  hold('nothing is remembered', decision.changes.length === 0)
  if (decision.do === 'silence') return decision.reason
  hold('nobody is told no', decision.type !== 'nak')
  const limits = limitsFor(request, MTU)
  const { bytes } = encodeWithin(decision.message, limits)
  hold(
    'a reply has the least size and fits what the machine takes',
    bytes.length >= 300 && bytes.length <= limits.maxBytes,
  )
  const heard = decode(bytes)
  hold('a reply is read back', !isMalformed(heard))
  const { yiaddr, options } = heard as DhcpMessage
  hold('it gives no address and no lease', yiaddr === '0.0.0.0' && !options.has(OPTION.leaseTime))
  const block = options.get(OPTION.vendorSpecific)
  hold('43 ends with 255 and has consistent lengths', block === undefined || isConsistent(block))
  const to = as === 'proxy' ? destinationOf(request, decision.type, 68) : bootServerDestination(request, ASKER)
  hold('it goes to a port of DHCP or PXE', [67, 68, 4011].includes(to.port))
  return decision.reason
}

/** Sub-options of code, length and value, then 255 and nothing more (H13). */
function isConsistent(block: Uint8Array): boolean {
  let at = 0
  while (at < block.length && block[at] !== 255) at += block[at] === 0 ? 1 : 2 + (block[at + 1] ?? 256)
  return at === block.length - 1
}

export const dhcpBootTarget: Target = {
  name: 'dhcp-boot',
  seeds: () => capturedPayloads(67),
  words: WORDS,
  maxBytes: 1472,
  run(bytes) {
    const message = decode(bytes)
    if (isMalformed(message)) return `${isBinl(bytes) ? 'binl ' : ''}${message.malformed}`
    const proxied = holdsFor(respondAsProxy(message, VIEW), message, 'proxy')
    const asked = holdsFor(respondAsBootServer(message, ASKER, VIEW), message, 'boot-server')
    return `${proxied} ${asked} ${message.options.has(OPTION.vendorSpecific) ? 43 : ''}`
  },
}
