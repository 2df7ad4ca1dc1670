/**
 * Leases, offer holds and quarantine in memory, by address and by MAC. `respond` sees the read-only half; the server
 * changes it, and keeps what is durable in the store.
 */
import type { Instant } from '../kit/clock.ts'
import { type Ipv4, prefixContains } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Subnet } from '../site/types.ts'
import type { LeaseRecord } from '../store/types.ts'
import { Line } from './line.ts'
import { OFFER_HOLD_MS, type Offer, Offers, type Standing } from './offers.ts'
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
  return { ...record, boundAt: record.boundAt + byMs, expiresAt: record.expiresAt + byMs }
}

function isQuarantined(record: LeaseRecord, now: Instant): boolean {
  return record.state === 'declined' && now < record.expiresAt
}

function stateOf(record: LeaseRecord, now: Instant): keyof SubnetCounts['leases'] {
  if (isActive(record, now)) return 'active'
  if (isQuarantined(record, now)) return 'quarantined'
  return record.state === 'released' ? 'released' : 'ended'
}

/**
 * Every address of a pool that has a record or an offer, in one of five lines; one that was offered is in none of the others, so that no search walks
 * over what a flood was offered. The first one of each is the one that was touched longest ago.
 */
type Shelf = Record<'bound' | 'declined' | 'released' | Standing, Line<Ipv4>> & { pool: AddressPool }

/** How many records of a subnet run, ended by themselves, were given back, are in quarantine; and what its pools have left. */
export type SubnetCounts = {
  subnet: Subnet
  leases: { active: number; ended: number; released: number; quarantined: number }
  /** Addresses of the pools, and how many of them nobody new could be offered. */
  poolSize: number
  poolTaken: number
}

/** What ended first comes first, and of all what is bound last. */
function byEnd(a: LeaseRecord, b: LeaseRecord): number {
  const order = ({ state }: LeaseRecord): number => (state === 'bound' ? 1 : 0)
  return order(a) - order(b) || a.expiresAt - b.expiresAt
}

export class LeaseTable implements LeaseView {
  readonly #byAddress = new Map<Ipv4, LeaseRecord>()
  readonly #byMac = new Map<Mac, Ipv4>()
  readonly #offers = new Offers()
  readonly #pending = new Map<Ipv4, { mac: Mac; xid: number }>()
  readonly #transactions = new Map<Ipv4, number>()
  readonly #subnets: () => readonly Subnet[]
  readonly #ours: Ipv4
  #shelved: { subnets: readonly Subnet[]; shelves: Shelf[] }
  /** Addresses with a record that are in no pool: reservations, and leases of pools that the site had once. */
  readonly #outside = new Set<Ipv4>()

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
    for (const record of rebased.toSorted(byEnd)) this.put(record)
  }

  /** The clock was set: what is left of every lease, quarantine and hold stays the same. */
  shift(byMs: number): void {
    for (const [address, record] of this.#byAddress) this.#byAddress.set(address, moveLease(record, byMs))
    this.#offers.shift(byMs)
  }

  all(): LeaseRecord[] {
    return [...this.#byAddress.values()]
  }

  at(address: Ipv4): LeaseRecord | undefined {
    return this.#byAddress.get(address)
  }

  ofMac(mac: Mac): LeaseRecord | undefined {
    const address = this.#byMac.get(mac)
    return address && this.#byAddress.get(address)
  }

  heldBy(mac: Mac, now: Instant): Ipv4 | undefined {
    const offer = this.#offers.to(mac)
    return offer && now < offer.until && !this.#isOfAnother(offer.address, mac, now) ? offer.address : undefined
  }

  isFreeFor(address: Ipv4, mac: Mac, now: Instant, standing: Standing): boolean {
    if (this.#isOfAnother(address, mac, now)) return false
    const rival = this.#rivalOffer(address, mac, now)
    return !rival || standing === 'known' || this.heldBy(mac, now) === address
  }

  nextFree(subnet: Subnet, mac: Mac, now: Instant, isUnfit: (address: Ipv4) => boolean): Ipv4 | undefined {
    const shelf = this.#shelves.find(({ pool }) => pool.subnet === subnet)
    if (!shelf) return undefined
    const fits = (address: Ipv4) => !this.#isOfAnother(address, mac, now) && !isUnfit(address)
    for (const address of shelf.pool.neverUsed()) if (fits(address)) return address
    for (const address of shelf.released) if (fits(address)) return address
    for (const address of shelf.bound) {
      // All leases have one length, so behind the first one that still runs there is none that ended.
      if (isActive(this.#byAddress.get(address)!, now)) break
      if (fits(address)) return address
    }
    for (const address of shelf.declined) {
      if (isQuarantined(this.#byAddress.get(address)!, now)) break
      if (fits(address)) return address
    }
    return undefined
  }

  nextOffered(subnet: Subnet, mac: Mac, now: Instant, isUnfit: (address: Ipv4) => boolean): Ipv4 | undefined {
    const offered = this.#shelves.find(({ pool }) => pool.subnet === subnet)?.stranger ?? []
    for (const address of offered) if (!this.#isOfAnother(address, mac, now) && !isUnfit(address)) return address
    return undefined
  }

  quarantine(address: Ipv4, mac: Mac, now: Instant) {
    const shelf = this.#shelves.find(({ pool }) => pool.has(address))
    const records = [...(shelf?.declined ?? [])].map(one => this.#byAddress.get(one)!)
    const active = records.filter(record => now < record.expiresAt)
    const byMachine = active.filter(record => record.mac === mac).length
    return { inPools: active.length, byMachine, poolSize: shelf?.pool.size ?? 0 }
  }

  acknowledgedIn(address: Ipv4): number | undefined {
    return this.#transactions.get(address)
  }

  pendingIn(address: Ipv4, mac: Mac): number | undefined {
    const pending = this.#pending.get(address)
    return pending?.mac === mac ? pending.xid : undefined
  }

  /** A machine has one hold; a new one replaces it. */
  hold(mac: Mac, address: Ipv4, now: Instant, standing: Standing): void {
    this.unhold(mac)
    this.#offers.add({ mac, address, standing, until: now + OFFER_HOLD_MS })
    this.#mark(address)
    this.expireHolds(now)
  }

  unhold(mac: Mac): void {
    this.#endOffer(this.#offers.to(mac))
  }

  /** Ends holds whose time is over. */
  expireHolds(now: Instant): void {
    for (let due = this.#offers.due(now); due; due = this.#offers.due(now)) this.#endOffer(due)
  }

  /** A request for this address is being written. */
  isPending(address: Ipv4): boolean {
    return this.#pending.has(address)
  }

  get holdCount(): number {
    return this.#offers.size
  }

  /** @param reserved addresses that somebody new is not offered, used or not */
  counts(now: Instant, reserved: Iterable<Ipv4>): SubnetCounts[] {
    const unused = [...reserved].filter(address => !this.#isInUse(address, now) && !this.#offers.at(address))
    return this.#shelves.map(shelf => {
      const { subnet, size } = shelf.pool
      const offered = [...shelf.known, ...shelf.stranger]
      const inPool = this.#countStates([...shelf.declined, ...shelf.bound, ...shelf.released, ...offered], now)
      const outside = [...this.#outside].filter(address => prefixContains(subnet.prefix, address))
      const beside = this.#countStates(outside, now)
      const held = offered.filter(
        address => now < this.#offers.at(address)!.until && !this.#isInUse(address, now),
      ).length
      const reservedHere = unused.filter(address => shelf.pool.has(address)).length
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
    this.#pending.set(address, { mac, xid })
    this.#mark(address)
  }

  end(address: Ipv4, mac: Mac, xid: number): void {
    if (this.pendingIn(address, mac) !== xid) return
    this.#pending.delete(address)
    this.#mark(address)
  }

  /** Replaces the record of that address; `xid` is the transaction that the ACK answers. */
  put(record: LeaseRecord, xid?: number): void {
    const { address, mac, state } = record
    const previous = this.#byAddress.get(address)
    if (previous && this.#byMac.get(previous.mac) === address) this.#byMac.delete(previous.mac)
    this.#byAddress.set(address, record)
    // Quarantine is the address's, not the machine's; and what a machine gave back does not hide what it holds.
    const newest = state === 'bound' || (state === 'released' && !this.#byMac.has(mac))
    if (newest) this.#byMac.set(mac, address)
    if (xid === undefined) this.#transactions.delete(address)
    else this.#transactions.set(address, xid)
    // Whoever else was offered it hears so when it asks.
    this.#endOffer(this.#offers.at(address))
    this.#shelve(record)
    this.#mark(address)
  }

  /** Its record is gone; the address is as good as one that was never used. */
  remove(address: Ipv4): void {
    const previous = this.#byAddress.get(address)
    if (!previous) return
    if (this.#byMac.get(previous.mac) === address) this.#byMac.delete(previous.mac)
    this.#byAddress.delete(address)
    this.#transactions.delete(address)
    this.#outside.delete(address)
    const shelf = this.#shelves.find(({ pool }) => pool.has(address))
    for (const line of shelf ? [shelf.bound, shelf.released, shelf.declined] : []) line.delete(address)
    this.#mark(address)
  }

  get #shelves(): Shelf[] {
    const subnets = this.#subnets()
    if (subnets !== this.#shelved.subnets) this.#shelveAll(subnets)
    return this.#shelved.shelves
  }

  #emptyShelves(subnets: readonly Subnet[]): Shelf[] {
    return subnets.map(subnet => ({
      pool: new AddressPool(subnet, this.#ours),
      bound: new Line(),
      declined: new Line(),
      released: new Line(),
      known: new Line(),
      stranger: new Line(),
    }))
  }

  /** As after a restart with these subnets, in the order in which addresses are offered again. */
  #shelveAll(subnets: readonly Subnet[]): void {
    this.#shelved = { subnets, shelves: this.#emptyShelves(subnets) }
    this.#outside.clear()
    for (const record of this.all().toSorted(byEnd)) this.#shelve(record)
    const touched = [...this.#byAddress.keys(), ...this.#offers.addresses(), ...this.#pending.keys()]
    for (const address of touched) this.#mark(address)
  }

  /** Whatever was offered to whom: leased to, being written for or promised to another machine, or in quarantine. */
  #isOfAnother(address: Ipv4, mac: Mac, now: Instant): boolean {
    const record = this.#byAddress.get(address)
    if (record && (isQuarantined(record, now) || (record.mac !== mac && isActive(record, now)))) return true
    const pending = this.#pending.get(address)
    if (pending && pending.mac !== mac) return true
    return this.#rivalOffer(address, mac, now)?.standing === 'known'
  }

  #rivalOffer(address: Ipv4, mac: Mac, now: Instant): Offer | undefined {
    const offer = this.#offers.at(address)
    return offer && offer.mac !== mac && now < offer.until ? offer : undefined
  }

  #endOffer(offer: Offer | undefined): void {
    if (!offer) return
    this.#offers.remove(offer)
    this.#mark(offer.address)
  }

  /** Leased, or in quarantine. */
  #isInUse(address: Ipv4, now: Instant): boolean {
    const record = this.#byAddress.get(address)
    return record !== undefined && (isActive(record, now) || isQuarantined(record, now))
  }

  #countStates(addresses: readonly Ipv4[], now: Instant): SubnetCounts['leases'] {
    const counts = { active: 0, ended: 0, released: 0, quarantined: 0 }
    for (const address of addresses) {
      const record = this.#byAddress.get(address)
      if (record) counts[stateOf(record, now)] += 1
    }
    return counts
  }

  #shelve({ address, state }: LeaseRecord): void {
    const shelf = this.#shelves.find(({ pool }) => pool.has(address))
    if (!shelf) {
      this.#outside.add(address)
      return
    }
    shelf.bound.delete(address)
    shelf.released.delete(address)
    shelf.declined.delete(address)
    shelf[state].add(address)
  }

  /** To be called whenever record, newest offer or request of an address came or went. */
  #mark(address: Ipv4): void {
    const [record, offer] = [this.#byAddress.get(address), this.#offers.at(address)]
    const used = record !== undefined || offer !== undefined || this.#pending.has(address)
    for (const { pool } of this.#shelves) pool.mark(address, used)
    const shelf = this.#shelves.find(({ pool }) => pool.has(address))
    if (!shelf) return
    const { bound, declined, released, known, stranger } = shelf
    for (const line of offer ? [bound, declined, released, known, stranger] : [known, stranger]) line.delete(address)
    if (offer) shelf[offer.standing].add(address)
    // Offered in vain: as good as given back.
    else if (record && !bound.has(address) && !declined.has(address)) released.add(address)
  }
}
