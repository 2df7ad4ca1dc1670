/** Building OFFER, ACK and NAK: the fields of RFC 2131 Table 3. */
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import { bootFieldsOf } from './boot-options.ts'
import type { Change, Inquiry, Reply } from './decision.ts'
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
  const entries = [...header(inquiry, type), ...lease, ...networkOptions(inquiry), ...boot.options]
  const options = inOrder([...entries, ...echoedOptions(request)], parameterListOf(request))
  const message: DhcpMessage = {
    ...copied(request),
    ciaddr: type === 'ack' ? request.ciaddr : UNSPECIFIED,
    yiaddr: address,
    siaddr: boot.siaddr,
    file: boot.file,
    options,
  }
  const notes = [...boot.notes, ...relayNotes(request)]
  return { do: 'reply', type, reason, client, said, address, message, changes, notes }
}

/** A NAK carries nothing but its reason (RFC 2131 Table 3); a relay agent must broadcast it (§4.3.2). */
export function refuse(inquiry: Inquiry, reason: NakReason, address: Ipv4 | undefined): Reply {
  const { message: request, client, said } = inquiry
  const text: [number, Uint8Array] = [OPTION.message, bytesOf(REASONS[reason].message)]
  const message: DhcpMessage = {
    ...copied(request),
    broadcast: request.broadcast || request.giaddr !== UNSPECIFIED,
    options: inOrder([...header(inquiry, 'nak'), text, ...echoedOptions(request)], []),
  }
  const notes = relayNotes(request)
  const refused: Reply = { do: 'reply', type: 'nak', reason, client, said, message, changes: [], notes }
  return address ? { ...refused, address } : refused
}

/** Broken sub-options of option 82 are echoed as octets and not read: an agent that knows its own form still gets it back. */
function relayNotes(request: DhcpMessage): NoteReason[] {
  return relayInformationOf(request).isBroken ? ['relay-information-broken'] : []
}

function header({ message, view }: Inquiry, type: ReplyType): [number, Uint8Array][] {
  return [[OPTION.messageType, uint8(MESSAGE_TYPES[type])], serverId(serverIdFor(message, view.server.address))]
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
