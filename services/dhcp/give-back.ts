/** DECLINE and RELEASE: RFC 2131 §4.3.3 and §4.3.4. Neither is ever answered. */
import type { LeaseRecord } from '../store/types.ts'
import { type Decision, type Silence, silence } from './decision.ts'
import type { DhcpView } from './decision.ts'
import type { DhcpClient } from './fleet.ts'
import { clientIdTextOf } from './identify.ts'
import type { Instant } from '../kit/clock.ts'
import { isActive, QUARANTINE_MS, quarantineRoom } from './lease-table.ts'
import type { DhcpMessage } from './message.ts'
import { requestedAddressOf, serverIdOf } from './options.ts'
import { namesUs } from './server-identity.ts'

/** A machine that declines this many addresses at a time is itself what is wrong. */
const MAX_QUARANTINED_BY_MACHINE = 3

export type GiveBack = { message: DhcpMessage; client: DhcpClient; view: DhcpView; now: Instant }

export function respondToDecline({ message, client, view, now }: GiveBack): Silence {
  const address = requestedAddressOf(message)
  const record = address && view.leases.at(address)
  if (!namesUs(message, view.server.address)) return silence('decline-refused', client)
  if (!record || record.mac !== client.mac || !isActive(record, now)) return silence('decline-refused', client)
  // By where the address is and not by where the message says it comes from: anybody can write a relay agent's address into it.
  const { inPools, byMachine, poolSize } = view.leases.quarantine(record.address, client.mac, now)
  if (byMachine >= MAX_QUARANTINED_BY_MACHINE || inPools >= quarantineRoom(poolSize)) {
    return { ...silence('decline-storm', client), address: record.address }
  }
  const declined: LeaseRecord = { ...record, state: 'declined', expiresAt: now + QUARANTINE_MS }
  return { ...silence('declined', client, [{ change: 'put', record: declined }]), address: record.address }
}

export function respondToRelease({ message, client, view, now }: GiveBack): Decision {
  const record = view.leases.at(message.ciaddr)
  if (serverIdOf(message) && !namesUs(message, view.server.address)) return silence('foreign-server', client)
  if (!record || !isActive(record, now) || !isHolder(message, client, record)) return silence('release-refused', client)
  const released: LeaseRecord = { ...record, state: 'released', expiresAt: now }
  return { ...silence('released', client, [{ change: 'put', record: released }]), address: record.address }
}

/**
 * Whether the address was given back, or put into quarantine, while a request for it was being written: that is written behind the request,
 * so it is what the store says in the end. `movedMs` is by how much the clock was set meanwhile.
 */
export function isGivenBackSince(
  before: LeaseRecord | undefined,
  after: LeaseRecord | undefined,
  movedMs: number,
): boolean {
  if (!after || after.state === 'bound') return false
  return before?.state !== after.state || before.expiresAt + movedMs !== after.expiresAt
}

/**
 * Client identifiers decide where both said one (RFC 2131 §4.2), else the MAC. A machine's earlier stage with another
 * identifier thereby cannot give back what its present stage uses.
 */
function isHolder(message: DhcpMessage, client: DhcpClient, record: LeaseRecord): boolean {
  const clientId = clientIdTextOf(message)
  return clientId && record.clientId ? clientId === record.clientId : client.mac === record.mac
}
