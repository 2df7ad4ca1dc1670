/**
 * Leases, offer holds and quarantine in memory, by address and by MAC. `respond` sees the read-only half; the server
 * changes it, and keeps what is durable in the store.
 */
import type { Instant } from '../kit/clock.ts'
import { type Ipv4, prefixContains } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Subnet } from '../site/types.ts'
import type { LeaseRecord } from '../store/types.ts'
import { AddressEntry, type ClientEntry, emptyShelf, type Shelf } from './address-entry.ts'
import { OFFER_HOLD_MS, Offer, Offers, type Standing } from './offers.ts'
import { AddressPool } from './pool.ts'

/** Clients count from when they asked and their clocks drift, so a lease outlives its end for us. */
export const EXPIRY_GRACE_MS = 30_000
export const QUARANTINE_MS = 600_000
/** This part of a pool at most is in quarantine, so that neither declining nor answering for everything can empty it. */
const MAX_QUARANTINED_PART = 1 / 4

export function quarantineRoom(poolSize: number): number {
  return Math.max(1, Math.floor(poolSize * MAX_QUARANTINED_PART))
}

/** What decisions may ask. */
export interface LeaseView {
  at(address: Ipv4): LeaseRecord | undefined
  /** The newest record of this machine: bound, or kept for reuse. */
  ofMac(mac: Mac): LeaseRecord | undefined
  /** What it was offered, if nobody else took that or was promised it meanwhile. */
  heldBy(mac: Mac, now: Instant): Ipv4 | undefined
  /** No quarantine, and no other machine's lease, request being written or offer; offers to strangers stand in no known machine's way. */
  isFreeFor(address: Ipv4, mac: Mac, now: Instant, standing: Standing): boolean
  /** Never-used addresses first, then those given back, then those that expired, longest ago first. None that is offered to anybody. */
  nextFree(subnet: Subnet, mac: Mac, now: Instant, isUnfit: (address: Ipv4) => boolean): Ipv4 | undefined
  /** What was offered to a stranger longest ago and not asked for since: the last resort. */
  nextOffered(subnet: Subnet, mac: Mac, now: Instant, isUnfit: (address: Ipv4) => boolean): Ipv4 | undefined
  /** Of the pools that hold the address: how many are in quarantine, how many of them by this machine, of how many. */
  quarantine(address: Ipv4, mac: Mac, now: Instant): { inPools: number; byMachine: number; poolSize: number }
  /** Transaction of the ACK that made the record at this address. */
  acknowledgedIn(address: Ipv4): number | undefined
  /** Transaction of the request for this address that is being written. */
  pendingIn(address: Ipv4, mac: Mac): number | undefined
}

export function isActive(record: LeaseRecord, now: Instant): boolean {
  return record.state === 'bound' && now < record.expiresAt + EXPIRY_GRACE_MS
}

/** The same lease by a clock that was set by so much. */
export function moveLease(record: LeaseRecord, byMs: number): LeaseRecord {
  return byMs === 0 ? record : { ...record, boundAt: record.boundAt + byMs, expiresAt: record.expiresAt + byMs }
}

function isQuarantined(record: LeaseRecord, now: Instant): boolean {
  return record.state === 'declined' && now < record.expiresAt
}

function stateOf(record: LeaseRecord, now: Instant): keyof SubnetCounts['leases'] {
  if (isActive(record, now)) return 'active'
  if (isQuarantined(record, now)) return 'quarantined'
  return record.state === 'released' ? 'released' : 'ended'
}

/** How many records of a subnet run, ended by themselves, were given back, are in quarantine; and what its pools have left. */
export type SubnetCounts = {
  subnet: Subnet
  leases: { active: number; ended: number; released: number; quarantined: number }
  /** Addresses of the pools, and how many of them nobody new could be offered. */
  poolSize: number
  poolTaken: number
}

function byEnd(a: LeaseRecord, b: LeaseRecord): number {
  return a.expiresAt - b.expiresAt
}

export class LeaseTable implements LeaseView {
  /** Whatever had a record, an offer or a request once: at most every address that may be leased. */
  readonly #entries = new Map<Ipv4, AddressEntry>()
  readonly #clients = new Map<Mac, ClientEntry>()
  readonly #offers = new Offers()
  readonly #subnets: () => readonly Subnet[]
  readonly #ours: Ipv4
  #shelved: { subnets: readonly Subnet[]; shelves: Shelf[] }

  /** @param now the subnets of the site, which are others after a reload: records, holds and requests under way stay what they are */
  constructor(subnets: readonly Subnet[], ours: Ipv4, now: () => readonly Subnet[] = () => subnets) {
    this.#subnets = now
    this.#ours = ours
    this.#shelved = { subnets, shelves: this.#emptyShelves(subnets) }
  }

  /** Takes what the store kept. A record made in the future tells of a clock that went back: it runs its length from now. */
  load(records: readonly LeaseRecord[], now: Instant): void {
    const ahead = (record: LeaseRecord) => Math.max(0, record.boundAt - now)
    const rebased = records.map(record => moveLease(record, -ahead(record)))
    const runsOn = (record: LeaseRecord) => Number(isActive(record, now))
    // Of each machine the last one is its newest: what it holds, else what it had last.
    const inTurn = rebased.toSorted((a, b) => runsOn(a) - runsOn(b) || byEnd(a, b))
    for (const record of inTurn) this.#put(record, record.state !== 'declined')
  }

  /** The clock was set: what is left of every lease, quarantine and hold stays the same. */
  shift(byMs: number): void {
    for (const entry of this.#entries.values()) entry.record &&= moveLease(entry.record, byMs)
    this.#offers.shift(byMs)
  }

  all(): LeaseRecord[] {
    return recordsOf(this.#entries.values())
  }

  at(address: Ipv4): LeaseRecord | undefined {
    return this.#entries.get(address)?.record
  }

  ofMac(mac: Mac): LeaseRecord | undefined {
    return this.#clients.get(mac)?.newest?.record
  }

  heldBy(mac: Mac, now: Instant): Ipv4 | undefined {
    const offer = this.#clients.get(mac)?.offer
    return offer && now < offer.until && !isOfAnother(offer.entry, mac, now) ? offer.entry.address : undefined
  }

  isFreeFor(address: Ipv4, mac: Mac, now: Instant, standing: Standing): boolean {
    const entry = this.#entries.get(address)
    if (!entry) return true
    if (isOfAnother(entry, mac, now)) return false
    return !rivalOffer(entry, mac, now) || standing === 'known' || this.heldBy(mac, now) === address
  }

  nextFree(subnet: Subnet, mac: Mac, now: Instant, isUnfit: (address: Ipv4) => boolean): Ipv4 | undefined {
    const shelf = this.#shelves.find(({ pool }) => pool.subnet === subnet)
    if (!shelf) return undefined
    // What was never used has no entry that says anything.
    for (const address of shelf.pool.neverUsed()) if (!isUnfit(address)) return address
    const fits = (entry: AddressEntry) => !isOfAnother(entry, mac, now) && !isUnfit(entry.address)
    for (const entry of shelf.released) if (fits(entry)) return entry.address
    // Both by their ends: behind the first one that runs on there is none that is over.
    for (const entry of shelf.bound) {
      if (isActive(entry.record!, now)) break
      if (fits(entry)) return entry.address
    }
    for (const entry of shelf.declined) {
      if (isQuarantined(entry.record!, now)) break
      if (fits(entry)) return entry.address
    }
    return undefined
  }

  nextOffered(subnet: Subnet, mac: Mac, now: Instant, isUnfit: (address: Ipv4) => boolean): Ipv4 | undefined {
    const offered = this.#shelves.find(({ pool }) => pool.subnet === subnet)?.stranger ?? []
    for (const entry of offered) if (!isOfAnother(entry, mac, now) && !isUnfit(entry.address)) return entry.address
    return undefined
  }

  quarantine(address: Ipv4, mac: Mac, now: Instant) {
    const shelf = this.#shelves.find(({ pool }) => pool.has(address))
    const active = recordsOf(shelf?.declined ?? []).filter(record => now < record.expiresAt)
    const byMachine = active.filter(record => record.mac === mac).length
    return { inPools: active.length, byMachine, poolSize: shelf?.pool.size ?? 0 }
  }

  acknowledgedIn(address: Ipv4): number | undefined {
    return this.#entries.get(address)?.acknowledgedIn
  }

  pendingIn(address: Ipv4, mac: Mac): number | undefined {
    const pending = this.#entries.get(address)?.pending
    return pending?.mac === mac ? pending.xid : undefined
  }

  /** A machine has one hold; a new one replaces it. */
  hold(mac: Mac, address: Ipv4, now: Instant, standing: Standing): void {
    this.unhold(mac)
    const entry = this.#entryOf(address)
    const offer = new Offer(mac, entry, standing, now + OFFER_HOLD_MS)
    this.#clientOf(mac).offer = offer
    this.#offers.add(offer)
    entry.offer = offer
    entry.takePlace()
    this.expireHolds(now)
  }

  unhold(mac: Mac): void {
    this.#endOffer(this.#clients.get(mac)?.offer)
  }

  /** Ends holds whose time is over. */
  expireHolds(now: Instant): void {
    for (let due = this.#offers.due(now); due; due = this.#offers.due(now)) this.#endOffer(due)
  }

  /** A request for this address is being written. */
  isPending(address: Ipv4): boolean {
    return this.#entries.get(address)?.pending !== undefined
  }

  get holdCount(): number {
    return this.#offers.size
  }

  /** Machines that are remembered: each has an offer or a newest record. */
  get machineCount(): number {
    return this.#clients.size
  }

  /** @param reserved addresses that somebody new is not offered, used or not */
  counts(now: Instant, reserved: Iterable<Ipv4>): SubnetCounts[] {
    const unused = [...reserved].filter(address => {
      const entry = this.#entries.get(address)
      return !entry || !(isInUse(entry, now) || isOffered(entry, now))
    })
    const shelves = this.#shelves
    const outside = recordsOf([...this.#entries.values()].filter(({ shelf }) => !shelf))
    return shelves.map(({ pool, bound, declined, released, known, stranger }) => {
      const { subnet, size } = pool
      const offered = [...known, ...stranger]
      const inPool = countStates(recordsOf([...declined, ...bound, ...released, ...offered]), now)
      const beside = countStates(
        outside.filter(({ address }) => prefixContains(subnet.prefix, address)),
        now,
      )
      const held = offered.filter(entry => isOffered(entry, now) && !isInUse(entry, now)).length
      const reservedHere = unused.filter(address => pool.has(address)).length
      return {
        subnet,
        leases: {
          active: inPool.active + beside.active,
          ended: inPool.ended + beside.ended,
          released: inPool.released + beside.released,
          quarantined: inPool.quarantined + beside.quarantined,
        },
        poolSize: size,
        poolTaken: inPool.active + inPool.quarantined + held + reservedHere,
      }
    })
  }

  /** The address belongs to this request until it is written or has failed. */
  begin(address: Ipv4, mac: Mac, xid: number): void {
    const entry = this.#entryOf(address)
    entry.pending = { mac, xid }
    entry.takePlace()
  }

  end(address: Ipv4, mac: Mac, xid: number): void {
    if (this.pendingIn(address, mac) !== xid) return
    const entry = this.#entryOf(address)
    entry.pending = undefined
    entry.takePlace()
  }

  /** Replaces the record of that address; `xid` is the transaction that the ACK answers. */
  put(record: LeaseRecord, xid?: number): void {
    const { address, mac, state } = record
    const newest = this.#clients.get(mac)?.newest
    // Quarantine is the address's, not the machine's; and what a machine gave back does not hide what it holds.
    const hidesNothing = newest === undefined || newest.address === address || newest.record?.state === 'released'
    this.#put(record, state === 'bound' || (state === 'released' && hidesNothing), xid)
  }

  #put(record: LeaseRecord, isNewest: boolean, xid?: number): void {
    const { address, mac } = record
    const entry = this.#entryOf(address)
    const client = this.#clientOf(mac)
    this.#hideRecord(entry, mac)
    if (isNewest) client.newest = entry
    entry.record = record
    entry.acknowledgedIn = xid
    // Whoever else was offered it hears so when it asks.
    this.#endOffer(entry.offer)
    entry.stand(record)
    entry.takePlace()
    this.#forget(mac)
  }

  /** Its record is gone; the address is as good as one that was never used. */
  remove(address: Ipv4): void {
    if (!this.at(address)) return
    const entry = this.#entryOf(address)
    this.#hideRecord(entry)
    entry.record = undefined
    entry.acknowledgedIn = undefined
    // What is offered keeps its turn.
    if (!entry.offer) entry.takePlace()
  }

  get #shelves(): Shelf[] {
    const subnets = this.#subnets()
    if (subnets !== this.#shelved.subnets) this.#shelveAll(subnets)
    return this.#shelved.shelves
  }

  #emptyShelves(subnets: readonly Subnet[]): Shelf[] {
    return subnets.map(subnet => emptyShelf(new AddressPool(subnet, this.#ours)))
  }

  /** As after a restart with these subnets, in the order in which addresses are offered again. */
  #shelveAll(subnets: readonly Subnet[]): void {
    const shelves = this.#emptyShelves(subnets)
    this.#shelved = { subnets, shelves }
    for (const entry of this.#entries.values()) {
      entry.line?.delete(entry)
      entry.shelf = shelves.find(({ pool }) => pool.has(entry.address))
    }
    for (const record of this.all().toSorted(byEnd)) this.#entries.get(record.address)!.stand(record)
    for (const { entry } of this.#offers) entry.takePlace()
    // What is asked for stands behind what is only offered.
    for (const entry of this.#entries.values()) if (entry.pending || !entry.offer) entry.takePlace()
  }

  /** Also sees to it that the entries stand in the pools of the site as it is now. */
  #entryOf(address: Ipv4): AddressEntry {
    const shelves = this.#shelves
    const known = this.#entries.get(address)
    if (known) return known
    const entry = new AddressEntry(
      address,
      shelves.find(({ pool }) => pool.has(address)),
    )
    this.#entries.set(address, entry)
    return entry
  }

  #clientOf(mac: Mac): ClientEntry {
    const known = this.#clients.get(mac)
    if (known) return known
    const client: ClientEntry = { newest: undefined, offer: undefined }
    this.#clients.set(mac, client)
    return client
  }

  /** A MAC of which nothing is left costs nothing. */
  #forget(mac: Mac): void {
    const client = this.#clients.get(mac)
    if (client && !client.newest && !client.offer) this.#clients.delete(mac)
  }

  /** The record that is at the address is nobody's newest any more. @param kept its client is needed in a moment */
  #hideRecord(entry: AddressEntry, kept?: Mac): void {
    if (!entry.record) return
    const { mac } = entry.record
    const client = this.#clients.get(mac)
    if (client?.newest !== entry) return
    client.newest = undefined
    if (mac !== kept) this.#forget(mac)
  }

  #endOffer(offer: Offer | undefined): void {
    if (!offer) return
    const { mac, entry } = offer
    offer.line?.delete(offer)
    const client = this.#clients.get(mac)
    if (client?.offer === offer) client.offer = undefined
    this.#forget(mac)
    // The address was offered to somebody else since, or leased.
    if (entry.offer !== offer) return
    entry.offer = undefined
    entry.takePlace()
  }
}

/** Whatever was offered to whom: leased to, being written for or promised to another machine, or in quarantine. */
function isOfAnother(entry: AddressEntry, mac: Mac, now: Instant): boolean {
  const { record, pending } = entry
  if (record && (isQuarantined(record, now) || (record.mac !== mac && isActive(record, now)))) return true
  if (pending && pending.mac !== mac) return true
  return rivalOffer(entry, mac, now)?.standing === 'known'
}

function rivalOffer({ offer }: AddressEntry, mac: Mac, now: Instant): Offer | undefined {
  return offer && offer.mac !== mac && now < offer.until ? offer : undefined
}

function isOffered({ offer }: AddressEntry, now: Instant): boolean {
  return offer !== undefined && now < offer.until
}

/** Leased, or in quarantine. */
function isInUse({ record }: AddressEntry, now: Instant): boolean {
  return record !== undefined && (isActive(record, now) || isQuarantined(record, now))
}

function recordsOf(entries: Iterable<AddressEntry>): LeaseRecord[] {
  const records: LeaseRecord[] = []
  for (const { record } of entries) if (record) records.push(record)
  return records
}

function countStates(records: readonly LeaseRecord[], now: Instant): SubnetCounts['leases'] {
  const counts = { active: 0, ended: 0, released: 0, quarantined: 0 }
  for (const record of records) counts[stateOf(record, now)] += 1
  return counts
}
