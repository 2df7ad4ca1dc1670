/** REQUEST in its four states: RFC 2131 §4.3.2 and Table 4. */
import type { Instant } from '../kit/clock.ts'
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { LeaseRecord } from '../store/types.ts'
import { refusalOf } from './choose.ts'
import { type Change, type Decision, type Inquiry, silence } from './decision.ts'
import { clientIdTextOf } from './identify.ts'
import { isActive, type LeaseView } from './lease-table.ts'
import { requestedAddressOf, serverIdOf } from './options.ts'
import type { AckReason } from './reasons.ts'
import { acknowledge, refuse } from './reply.ts'
import { namesUs } from './server-identity.ts'

/** Within this time the same transaction gets the same ACK without another write; no client retries longer. */
const REPEAT_WINDOW_MS = 10_000

export function respondToRequest(inquiry: Inquiry): Decision {
  const { message } = inquiry
  if (serverIdOf(message)) return selecting(inquiry)
  return message.ciaddr === UNSPECIFIED ? initReboot(inquiry) : renewing(inquiry, message.ciaddr)
}

function selecting(inquiry: Inquiry): Decision {
  const { message, client, view } = inquiry
  const unhold: Change[] = [{ change: 'unhold', mac: client.mac }]
  if (!namesUs(message, view.server.address)) return silence('foreign-server', client, unhold)
  const wanted = wantedAddress(inquiry) ?? (message.ciaddr === UNSPECIFIED ? undefined : message.ciaddr)
  const refusal = wanted ? refusalOf(inquiry, wanted) : 'no-address-requested'
  return refusal || !wanted
    ? refuse(inquiry, refusal ?? 'no-address-requested', wanted)
    : grant(inquiry, wanted, 'selected')
}

/** A machine that remembers an address asks whether it may keep it. */
function initReboot(inquiry: Inquiry): Decision {
  const wanted = wantedAddress(inquiry)
  if (isUnknown(inquiry)) return silence('unknown-client', inquiry.client)
  if (!wanted) return refuse(inquiry, 'no-address-requested', undefined)
  const refusal = refusalOf(inquiry, wanted)
  if (refusal) return refuse(inquiry, refusal, wanted)
  const due = dueAddress(inquiry)
  if (due === wanted) return grant(inquiry, wanted, 'rebooted')
  return refuse(inquiry, due ? 'other-address' : 'no-record', wanted)
}

/**
 * RENEWING and REBINDING differ only in where the datagram was sent. A machine that uses an address no record knows is
 * let keep it where we are authoritative: a NAK would take the network from a running machine because we lost a file.
 */
function renewing(inquiry: Inquiry, used: Ipv4): Decision {
  if (isUnknown(inquiry)) return silence('unknown-client', inquiry.client)
  const refusal = refusalOf(inquiry, used)
  if (refusal) return refuse(inquiry, refusal, used)
  const record = inquiry.view.leases.ofMac(inquiry.client.mac)
  if (used === record?.address || used === inquiry.said.reservation) return grant(inquiry, used, 'renewed')
  return record ? refuse(inquiry, 'other-address', used) : grant(inquiry, used, 'adopted')
}

function wantedAddress({ message }: Inquiry): Ipv4 | undefined {
  const wanted = requestedAddressOf(message)
  return wanted === UNSPECIFIED ? undefined : wanted
}

/** Neither lease nor reservation, and not for us to say no (RFC 2131 §4.3.2). */
function isUnknown({ view, client, said }: Inquiry): boolean {
  return !view.server.authoritative && !said.reservation && !view.leases.ofMac(client.mac)
}

/** What a DISCOVER would get first: the reservation if it can be had, else the address on record. */
function dueAddress(inquiry: Inquiry): Ipv4 | undefined {
  const { said, view, client } = inquiry
  const reserved = said.reservation && !refusalOf(inquiry, said.reservation) ? said.reservation : undefined
  return reserved ?? view.leases.ofMac(client.mac)?.address
}

function grant(inquiry: Inquiry, address: Ipv4, reason: AckReason): Decision {
  const { view, client, message, now } = inquiry
  if (view.leases.pendingIn(address, client.mac) === message.xid) return silence('ack-pending', client)
  if (isRepeat(inquiry, address)) return acknowledge(inquiry, address, 'repeated', [])
  const records = [recordOf(inquiry, address), ...givenUpFor(address, client.mac, view.leases, now)]
  const changes = records.map(record => ({ change: 'put', record }) as const)
  return acknowledge(inquiry, address, reason, changes)
}

/** Of the machine that comes to this address: the lease that it has elsewhere, given back. */
export function givenUpFor(address: Ipv4, mac: Mac, leases: Pick<LeaseView, 'ofMac'>, now: Instant): LeaseRecord[] {
  const former = leases.ofMac(mac)
  const isGivenUp = former && former.address !== address && isActive(former, now)
  return isGivenUp ? [{ ...former, state: 'released', expiresAt: now }] : []
}

function isRepeat({ view, client, message, now }: Inquiry, address: Ipv4): boolean {
  const record = view.leases.at(address)
  if (record?.mac !== client.mac || !isActive(record, now)) return false
  // The site may have changed the length since, and no machine is told more than what is written.
  if (record.expiresAt - record.boundAt !== view.server.leaseSeconds * 1000) return false
  const age = now - record.boundAt
  return view.leases.acknowledgedIn(address) === message.xid && age >= 0 && age < REPEAT_WINDOW_MS
}

/** `boundAt` is the time of this ACK, so that the lease's length can be told from the record. */
function recordOf({ message, client, said, view, now }: Inquiry, address: Ipv4): LeaseRecord {
  const clientId = clientIdTextOf(message)
  const reservedBy = reservedByOf({ said, view, client }, address)
  return {
    address,
    mac: client.mac,
    state: 'bound',
    boundAt: now,
    expiresAt: now + view.server.leaseSeconds * 1000,
    ...(clientId ? { clientId } : {}),
    ...(said.hostName ? { hostName: said.hostName } : {}),
    ...(reservedBy ? { reservedBy } : {}),
  }
}

/** What it earned the address by, now or in an earlier stage. */
function reservedByOf(
  { said, view, client }: Pick<Inquiry, 'said' | 'view' | 'client'>,
  address: Ipv4,
): string | undefined {
  if (said.reservation === address) return said.reservedBy
  const record = view.leases.at(address)
  return record?.mac === client.mac ? record.reservedBy : undefined
}
