/** Building OFFER, ACK and NAK: the fields of RFC 2131 Table 3. */
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import { type BootFields, bootFieldsOf } from './boot-options.ts'
import type { BootInquiry, Change, Inquiry, Reply } from './decision.ts'
import { type DhcpMessage, MESSAGE_TYPES, type ReplyType } from './message.ts'
import { bytesOf, OPTION, parameterListOf, uint8 } from './options.ts'
import { echoedOptions, inOrder, leaseOptions, networkOptions, serverId } from './parameters.ts'
import { type AckReason, type NakReason, type NoteReason, type OfferReason, REASONS } from './reasons.ts'
import { relayInformationOf } from './relay-information.ts'
import { serverIdFor } from './server-identity.ts'

export function offer(inquiry: Inquiry, address: Ipv4, reason: OfferReason, changes: Change[]): Reply {
  return granted(inquiry, 'offer', address, reason, changes)
}

/** The ACK to a REQUEST. */
export function acknowledge(inquiry: Inquiry, address: Ipv4, reason: AckReason, changes: Change[]): Reply {
  return granted(inquiry, 'ack', address, reason, changes)
}

/** The ACK to an INFORM: no address and no lease (RFC 2131 §4.3.5). */
export function inform(inquiry: Inquiry): Reply {
  const { ciaddr } = inquiry.message
  const reply = granted(inquiry, 'ack', UNSPECIFIED, 'informed', [])
  const { address: _, ...rest } = reply
  return ciaddr === UNSPECIFIED ? rest : { ...rest, address: ciaddr }
}

function granted(
  inquiry: Inquiry,
  type: 'offer' | 'ack',
  address: Ipv4,
  reason: OfferReason | AckReason,
  changes: Change[],
): Reply {
  const { message: request, view, said, client } = inquiry
  const boot = bootFieldsOf(said.plan, request, view.server)
  const lease = address === UNSPECIFIED ? [] : leaseOptions(view.server.leaseSeconds)
  const entries = [...lease, ...networkOptions(inquiry)]
  const message = { ...withBoot(request, view.server.address, type, entries, boot), yiaddr: address }
  const notes = [...boot.notes, ...relayNotes(request)]
  return { do: 'reply', type, reason, client, said, address, message, changes, notes }
}

/** What to boot and nothing else: the address and the network are another server's. */
export function tellBoot(
  { message: request, client, said, server }: BootInquiry,
  type: 'offer' | 'ack',
  reason: OfferReason | AckReason,
  boot: BootFields,
): Reply {
  const message = withBoot(request, server.address, type, [], boot)
  const address = request.ciaddr === UNSPECIFIED ? {} : { address: request.ciaddr }
  const notes = [...boot.notes, ...relayNotes(request)]
  return { do: 'reply', type, reason, client, said, message, changes: [], notes, ...address }
}

function withBoot(
  request: DhcpMessage,
  ours: Ipv4,
  type: 'offer' | 'ack',
  entries: [number, Uint8Array][],
  boot: BootFields,
): DhcpMessage {
  const all = [...header(request, type, ours), ...entries, ...boot.options, ...echoedOptions(request)]
  return {
    ...copied(request),
    ciaddr: type === 'ack' ? request.ciaddr : UNSPECIFIED,
    siaddr: boot.siaddr,
    file: boot.file,
    options: inOrder(all, parameterListOf(request)),
  }
}

/** A NAK carries nothing but its reason (RFC 2131 Table 3); a relay agent must broadcast it (§4.3.2). */
export function refuse(inquiry: Inquiry, reason: NakReason, address: Ipv4 | undefined): Reply {
  const { message: request, client, said, view } = inquiry
  const text: [number, Uint8Array] = [OPTION.message, bytesOf(REASONS[reason].message)]
  const message: DhcpMessage = {
    ...copied(request),
    broadcast: request.broadcast || request.giaddr !== UNSPECIFIED,
    options: inOrder([...header(request, 'nak', view.server.address), text, ...echoedOptions(request)], []),
  }
  const notes = relayNotes(request)
  const refused: Reply = { do: 'reply', type: 'nak', reason, client, said, message, changes: [], notes }
  return address ? { ...refused, address } : refused
}

/** Broken sub-options of option 82 are echoed as octets and not read: an agent that knows its own form still gets it back. */
function relayNotes(request: DhcpMessage): NoteReason[] {
  return relayInformationOf(request).isBroken ? ['relay-information-broken'] : []
}

function header(request: DhcpMessage, type: ReplyType, ours: Ipv4): [number, Uint8Array][] {
  return [[OPTION.messageType, uint8(MESSAGE_TYPES[type])], serverId(serverIdFor(request, ours))]
}

function copied(request: DhcpMessage): DhcpMessage {
  const { htype, chaddr, xid, broadcast, giaddr } = request
  return {
    op: 'reply',
    htype,
    chaddr,
    hops: 0,
    xid,
    secs: 0,
    broadcast,
    ciaddr: UNSPECIFIED,
    yiaddr: UNSPECIFIED,
    siaddr: UNSPECIFIED,
    giaddr,
    sname: '',
    file: '',
    options: new Map(),
  }
}
