/** What `respond` decides, and what it decides from. */
import type { Instant } from '../kit/clock.ts'
import type { Ipv4, Prefix } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Subnet } from '../site/types.ts'
import type { LeaseRecord } from '../store/types.ts'
import type { ClientView, DhcpClient, DhcpFleet } from './fleet.ts'
import type { LeaseView } from './lease-table.ts'
import type { DhcpMessage, ReplyType } from './message.ts'
import type { Standing } from './offers.ts'
import type { AckReason, NakReason, NoteReason, OfferReason, SilenceReason } from './reasons.ts'

/** The part of the site that decisions read, resolved for the one interface. */
export type ServerFacts = {
  /** Server identifier: our address on the interface that is served. */
  address: Ipv4
  prefix: Prefix
  domain: string
  leaseSeconds: number
  authoritative: boolean
  subnets: readonly Subnet[]
  /** Clients may choose their subnet by option 118. */
  subnetSelection: boolean
  /** Port of the plain HTTP listener, which serves loaders to UEFI HTTP Boot. */
  httpPort: number
}

export type DhcpView = { server: ServerFacts; leases: LeaseView; fleet: Pick<DhcpFleet, 'view' | 'reservedFor'> }

/** One message in its surroundings, once sender and subnet are known. */
export type Inquiry = {
  message: DhcpMessage
  client: DhcpClient
  subnet: Subnet
  said: ClientView
  view: DhcpView
  now: Instant
}

/** The same where no address is given: no subnet, no leases. */
export type BootInquiry = {
  message: DhcpMessage
  client: DhcpClient
  said: ClientView
  server: Pick<ServerFacts, 'address' | 'httpPort'>
}

/** What decisions read where another server gives the addresses. */
export type BootView = {
  server: Pick<ServerFacts, 'address' | 'prefix' | 'subnets' | 'httpPort'>
  fleet: Pick<DhcpFleet, 'view'>
}

/** What the server does to its table besides replying; `put` must be durable before an ACK leaves. */
export type Change =
  | { change: 'hold'; mac: Mac; address: Ipv4; standing: Standing }
  | { change: 'unhold'; mac: Mac }
  | { change: 'put'; record: LeaseRecord }

export type Reply = {
  do: 'reply'
  type: ReplyType
  reason: OfferReason | AckReason | NakReason
  client: DhcpClient
  said: ClientView
  /** The address that is offered, leased or refused; absent where the message named none. */
  address?: Ipv4
  message: DhcpMessage
  changes: Change[]
  notes: NoteReason[]
  /** Of an offer: nobody knows yet whether something else uses the address, so somebody must look first (C08). */
  needsProbe?: true
}

export type Silence = { do: 'silence'; reason: SilenceReason; client?: DhcpClient; address?: Ipv4; changes: Change[] }

export type Decision = Reply | Silence

export function silence(reason: SilenceReason, client?: DhcpClient, changes: Change[] = []): Silence {
  return { do: 'silence', reason, changes, ...(client ? { client } : {}) }
}
