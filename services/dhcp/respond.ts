/**
 * The whole of DHCP policy in server mode: one message, what is known, and the time make one decision (RFC 2131 §4.3).
 * Pure: what a decision changes is in its `changes`, and the server carries it out.
 */
import type { Instant } from '../kit/clock.ts'
import { UNSPECIFIED } from '../kit/ipv4.ts'
import { chooseAddress, holdFor, isReservationInUse } from './choose.ts'
import { isUnproven } from './conflict.ts'
import { type Decision, type DhcpView, type Inquiry, type Reply, silence } from './decision.ts'
import { respondToDecline, respondToRelease } from './give-back.ts'
import { clientOf } from './identify.ts'
import type { DhcpMessage } from './message.ts'
import { messageTypeOf } from './options.ts'
import type { SilenceReason } from './reasons.ts'
import { inform, offer } from './reply.ts'
import { respondToRequest } from './request.ts'
import { isFromElsewhere, selectSubnet } from './subnet.ts'

/** RFC 1542 §4.1.1 lets relay agents stop there; a message with more went in a circle. */
const MAX_HOPS = 16

export function respond(message: DhcpMessage, view: DhcpView, now: Instant): Decision {
  const client = clientOf(message)
  const unfit = screen(message)
  if (unfit) return silence(unfit, client)
  if (!client) return silence('no-hardware-address')
  const type = messageTypeOf(message)
  const isAnsweredThere = type === 'discover' || type === 'inform'
  if (isAnsweredThere && isFromElsewhere(message, view.server)) return silence('foreign-network', client)
  const subnet = selectSubnet(message, view.server)
  if (subnet === 'unknown-relay' || subnet === 'no-subnet') return silence(subnet, client)
  switch (type) {
    case 'decline':
      return respondToDecline({ message, client, view, now })
    case 'release':
      return respondToRelease({ message, client, view, now })
    default:
      return respondToInquiry({ message, client, subnet, said: view.fleet.view(client), view, now })
  }
}

/** Why nobody answers such a message, whoever gives the addresses. */
export function screen(message: DhcpMessage): SilenceReason | undefined {
  if (message.op !== 'request') return 'not-a-request'
  if (message.hops > MAX_HOPS) return 'too-many-hops'
  const type = messageTypeOf(message)
  if (!type) return 'no-message-type'
  return type === 'offer' || type === 'ack' || type === 'nak' ? 'unexpected-type' : undefined
}

function respondToInquiry(inquiry: Inquiry): Decision {
  const { plan } = inquiry.said
  if (plan.do === 'silence') return silence(plan.reason, inquiry.client)
  switch (messageTypeOf(inquiry.message)) {
    case 'discover':
      return respondToDiscover(inquiry)
    case 'request':
      return respondToRequest(inquiry)
    default:
      return respondToInform(inquiry)
  }
}

function respondToDiscover(inquiry: Inquiry): Decision {
  const chosen = chooseAddress(inquiry)
  if (!chosen) return silence('pool-exhausted', inquiry.client)
  const { address, reason } = chosen
  const reply = offer(inquiry, address, reason, holdFor(inquiry, address))
  const offered: Reply = isReservationInUse(inquiry)
    ? { ...reply, notes: [...reply.notes, 'reservation-in-use'] }
    : reply
  return isUnproven(inquiry, address, reason) ? { ...offered, needsProbe: true } : offered
}

function respondToInform(inquiry: Inquiry): Decision {
  const { ciaddr, giaddr } = inquiry.message
  const isReachable = ciaddr !== UNSPECIFIED || giaddr !== UNSPECIFIED
  return isReachable ? inform(inquiry) : silence('inform-without-address', inquiry.client)
}
