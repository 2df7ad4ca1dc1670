/** Which address a machine may have: RFC 2131 §4.3.1, with reservations before everything. */
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import type { Change, Inquiry } from './decision.ts'
import type { Owner } from './fleet.ts'
import { isActive } from './lease-table.ts'
import type { Standing } from './offers.ts'
import { messageTypeOf, requestedAddressOf } from './options.ts'
import type { NakReason, OfferReason } from './reasons.ts'
import { isHostAddress, isInPools } from './subnet.ts'

/**
 * Whether a reserved address is this machine's. Stages of one machine differ in what they say: one that earned the address by a client
 * identifier keeps it in the stages that do not send it, and at a renewal, which no relay agent adds its circuit to.
 */
function isOwner({ view, said, client }: Inquiry, owner: Owner, address: Ipv4): boolean {
  if (said.reservation === address || owner.macs.includes(client.mac)) return true
  const record = view.leases.at(address)
  return record?.mac === client.mac && record.reservedBy !== undefined && owner.keys.includes(record.reservedBy)
}

/** An invented MAC is listed nowhere, never had a lease, and uses no address. */
function standingOf({ view, said, client, message }: Inquiry): Standing {
  const isKnown = said.isListed === true || view.leases.ofMac(client.mac) !== undefined
  const usesAddress = messageTypeOf(message) === 'request' && message.ciaddr !== UNSPECIFIED
  return isKnown || usesAddress ? 'known' : 'stranger'
}

/** Why this machine may not have that address, in words for a NAK; undefined if it may. */
export function refusalOf(inquiry: Inquiry, address: Ipv4): NakReason | undefined {
  const { view, client, now } = inquiry
  const isFree = () => view.leases.isFreeFor(address, client.mac, now, standingOf(inquiry))
  return unfitnessOf(inquiry, address) ?? (isFree() ? undefined : 'address-taken')
}

/** The same, whoever else has the address. */
function unfitnessOf(inquiry: Inquiry, address: Ipv4): NakReason | undefined {
  const { subnet, view } = inquiry
  if (!isHostAddress(subnet, address, view.server.address)) return 'wrong-network'
  const owner = view.fleet.reservedFor(address)
  if (owner && !isOwner(inquiry, owner, address)) return 'reserved-for-another'
  return owner || isInPools(subnet, address) ? undefined : 'outside-pools'
}

/** The address to offer and why; undefined when nothing is free. A reservation that something else uses waits its turn. */
export function chooseAddress(inquiry: Inquiry): { address: Ipv4; reason: OfferReason } | undefined {
  const { view, client, subnet, now, said, message } = inquiry
  const record = view.leases.ofMac(client.mac)
  const wishes: [Ipv4 | undefined, OfferReason][] = [
    [said.reservation, 'reservation'],
    [record && isActive(record, now) ? record.address : undefined, 'current-lease'],
    [view.leases.heldBy(client.mac, now), 'repeated-discover'],
    [record?.address, 'previous-lease'],
    [requestedAddressOf(message), 'requested-address'],
  ]
  for (const [address, reason] of wishes) {
    if (address && address !== UNSPECIFIED && !refusalOf(inquiry, address)) return { address, reason }
  }
  const isUnfit = (address: Ipv4) => unfitnessOf(inquiry, address) !== undefined
  const free = view.leases.nextFree(subnet, client.mac, now, isUnfit)
  if (free) return { address: free, reason: 'from-pool' }
  const offered = view.leases.nextOffered(subnet, client.mac, now, isUnfit)
  return offered ? { address: offered, reason: 'offered-again' } : undefined
}

/** Two machines match one reservation, or somebody had the address before it was reserved: who has it keeps it. */
export function isReservationInUse(inquiry: Inquiry): boolean {
  const { reservation } = inquiry.said
  return reservation !== undefined && refusalOf(inquiry, reservation) === 'address-taken'
}

/** Nobody else is offered the address until the machine had time to take it, unless it is a stranger and nothing else is free. */
export function holdFor(inquiry: Inquiry, address: Ipv4): Change[] {
  const { view, client, now } = inquiry
  const record = view.leases.at(address)
  const holdsAlready = record?.mac === client.mac && isActive(record, now)
  return holdsAlready ? [] : [{ change: 'hold', mac: client.mac, address, standing: standingOf(inquiry) }]
}
