/** Which address a machine may have: RFC 2131 §4.3.1, with reservations before everything. */
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import type { Change, Inquiry } from './decision.ts'
import { isActive } from './lease-table.ts'
import { requestedAddressOf } from './options.ts'
import type { NakReason, OfferReason } from './reasons.ts'
import { isHostAddress, isInPools } from './subnet.ts'

/** Reserved for somebody else; NICs of one machine may share a reservation, and then `said` names it. */
function isReservedForAnother({ view, said, client }: Inquiry, address: Ipv4): boolean {
  if (said.reservation === address) return false
  const owner = view.fleet.reservedFor(address)
  return owner !== undefined && owner !== client.mac
}

/** Why this machine may not have that address, in words for a NAK; undefined if it may. */
export function refusalOf(inquiry: Inquiry, address: Ipv4): NakReason | undefined {
  const { subnet, view, said, client, now } = inquiry
  if (!isHostAddress(subnet, address, view.server.address)) return 'wrong-network'
  if (isReservedForAnother(inquiry, address)) return 'reserved-for-another'
  if (said.reservation !== address && !isInPools(subnet, address)) return 'outside-pools'
  return view.leases.isFreeFor(address, client.mac, now) ? undefined : 'address-taken'
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
  const isRefused = (address: Ipv4) => refusalOf(inquiry, address) !== undefined
  const free = view.leases.nextFree(subnet, client.mac, now, isRefused)
  return free ? { address: free, reason: 'from-pool' } : undefined
}

/** Nobody else is offered the address until the machine had time to take it. */
export function holdFor({ view, client, now }: Inquiry, address: Ipv4): Change[] {
  const record = view.leases.at(address)
  const holdsAlready = record?.mac === client.mac && isActive(record, now)
  return holdsAlready ? [] : [{ change: 'hold', mac: client.mac, address }]
}
