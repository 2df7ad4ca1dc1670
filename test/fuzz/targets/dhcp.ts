/** DHCP as the wire sees it: octets in, a decision and perhaps octets out. */
import { decode, encodeWithin, limitsFor } from '../../../services/dhcp/codec.ts'
import type { Reply } from '../../../services/dhcp/decision.ts'
import { destinationOf } from '../../../services/dhcp/destination.ts'
import { type DhcpMessage, isMalformed } from '../../../services/dhcp/message.ts'
import { messageTypeOf, OPTION } from '../../../services/dhcp/options.ts'
import { REASONS } from '../../../services/dhcp/reasons.ts'
import type { ExtraOption } from '../../../services/site/types.ts'
import { ip } from '../../dhcp/messages.ts'
import { Bench, RACK, subnet } from '../../dhcp/rig.ts'
import { hold, type Target } from '../target.ts'
import { capturedPayloads } from './captured.ts'

const MTU = 1500
const MAX_REPLY_BYTES = MTU - 28
const MOST_CHANGES = 2
const RELAY = ip('10.78.0.1')
/** So much that replies overflow into `file` and `sname`, or lose something. */
const EXTRAS: ExtraOption[] = [
  { code: 43, type: 'hex', value: '01'.repeat(220) },
  { code: 72, type: 'ipv4', value: ['10.77.0.5', '10.77.0.6'].map(ip) },
  { code: 114, type: 'string', value: 'x'.repeat(90) },
]
const SUBNETS = [
  { ...RACK, options: EXTRAS },
  subnet('10.78.0.0/24', ['10.78.0.100-10.78.0.199'], { relays: [RELAY], router: RELAY }),
]
/** Long enough for offers, leases and quarantines to meet; short enough for what fails to depend on little else. */
const MESSAGES_OF_A_BENCH = 64

const option = (...octets: number[]) => Uint8Array.from(octets)
const address = (text: string) => text.split('.').map(Number)

const WORDS = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(type => option(OPTION.messageType, 1, type)),
  ...[1, 2, 3].map(fields => option(OPTION.overload, 1, fields)),
  option(OPTION.end),
  option(OPTION.pad, OPTION.pad),
  option(OPTION.serverId, 4, ...address('10.77.0.1')),
  option(OPTION.serverId, 4, ...address('10.77.0.9')),
  option(OPTION.requestedAddress, 4, ...address('10.77.0.100')),
  option(OPTION.requestedAddress, 4, ...address('0.0.0.0')),
  option(OPTION.maxMessageSize, 2, 0, 0),
  option(OPTION.maxMessageSize, 2, 0xff, 0xff),
  option(OPTION.relayAgent, 6, 5, 4, ...address('10.78.0.0')),
  option(OPTION.relayAgent, 8, 11, 6, ...address('10.78.0.1'), 0, 0),
  option(OPTION.relayAgent, 2, 19, 0),
  option(OPTION.clientId, 0),
  option(OPTION.userClass, 5, 4, 105, 80, 88, 69),
  option(OPTION.vendorClass, 9, ...Buffer.from('PXEClient')),
  option(OPTION.vendorClass, 10, ...Buffer.from('HTTPClient')),
  option(OPTION.clientArchitecture, 4, 0, 99, 0, 7),
  option(OPTION.parameterList, 4, 121, 3, 250, 251),
  option(12, 255, ...new Uint8Array(255).fill(97)),
  option(...address('10.77.0.100')),
  option(...address('10.78.0.1')),
  option(...address('255.255.255.255')),
]

let bench = newBench()
let heard = 0

function newBench(): Bench {
  const fresh = new Bench({ subnets: SUBNETS })
  fresh.lease('10.77.0.103', fresh.fleet.reservedFor(ip('10.77.0.103'))?.macs[0] ?? ('52:54:00:77:ff:02' as never))
  return fresh
}

function holdsForReply(request: DhcpMessage, reply: Reply): void {
  const limits = limitsFor(request, MTU)
  const { bytes, dropped } = encodeWithin(reply.message, limits)
  hold(
    'a reply has the least size and fits what the machine takes',
    bytes.length >= 300 && bytes.length <= limits.maxBytes,
  )
  hold('a reply fits into a frame', limits.maxBytes <= MAX_REPLY_BYTES)
  const kept = new Map([...reply.message.options].filter(([code]) => !dropped.includes(code)))
  hold('a reply is read back unchanged', isSame(decode(bytes), { ...reply.message, options: kept }))
  hold(
    'type and server always fit',
    [OPTION.messageType, OPTION.serverId].every(code => kept.has(code)),
  )
  const { port } = destinationOf(request, reply.type, 68)
  hold('a reply goes to a port of DHCP', port === 67 || port === 68)
  const { yiaddr } = reply.message
  const subnets = yiaddr === '0.0.0.0' || SUBNETS.some(({ prefix }) => yiaddr.startsWith(prefix.network.slice(0, -1)))
  hold('an address that is given is of the site', subnets)
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a, flat) === JSON.stringify(b, flat)
}

/** Octets as text, and options by code: overload and option 82 change their order. */
function flat(_: string, value: unknown): unknown {
  if (value instanceof Map) return [...(value as DhcpMessage['options'])].toSorted(([a], [b]) => a - b)
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

/** What was read can be written, unless its text fills its field: a reply never has such text. */
function holdsForMessage(message: DhcpMessage): void {
  if (message.sname.length > 63 || message.file.length > 127) return
  const again = decode(encodeWithin(message, { maxBytes: 65_507 }).bytes)
  hold('what was read is written and read again', isSame(again, message))
}

export const dhcpTarget: Target = {
  name: 'dhcp',
  seeds: () => capturedPayloads(67, 68),
  words: WORDS,
  maxBytes: 1472,
  run(bytes) {
    const message = decode(bytes)
    if (isMalformed(message)) return message.malformed
    hold('a hardware address has at most 16 octets', message.chaddr.length <= 16)
    holdsForMessage(message)
    if (heard++ % MESSAGES_OF_A_BENCH === 0) bench = newBench()
    bench.now += 1000
    const decision = bench.decide(message)
    hold('the reason is of the table', decision.reason in REASONS)
    hold('changes are few', decision.changes.length <= MOST_CHANGES)
    const expected = decision.do === 'silence' ? 'silence' : decision.type
    hold('the kind of the reason is that of the decision', REASONS[decision.reason].kind === expected)
    if (decision.do === 'reply') holdsForReply(message, decision)
    const stage = decision.client?.boot.stage ?? 'nobody'
    const notes = decision.do === 'reply' ? decision.notes.join() : ''
    const codes = [...message.options.keys()].filter(code => OPTION_CODES.has(code)).length
    return [messageTypeOf(message) ?? 'none', decision.reason, stage, notes, codes].join(' ')
  },
}

const OPTION_CODES: ReadonlySet<number> = new Set(Object.values(OPTION))
