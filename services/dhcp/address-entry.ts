/** All that is known of one address, and of one machine, in one place each: a message looks them up once. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { LeaseRecord } from '../store/types.ts'
import { type InLine, Line } from './line.ts'
import type { Offer, Standing } from './offers.ts'
import type { AddressPool } from './pool.ts'

/**
 * Every address of a pool that has a record or an offer, in one of five lines; one that was offered is in none of the others, so that no search walks
 * over what a flood was offered. The first one of each is the one that was touched longest ago.
 */
export type Shelf = Record<LeaseRecord['state'] | Standing, Line<AddressEntry>> & { pool: AddressPool }

export function emptyShelf(pool: AddressPool): Shelf {
  return {
    pool,
    bound: new Line(),
    declined: new Line(),
    released: new Line(),
    known: new Line(),
    stranger: new Line(),
  }
}

export class AddressEntry implements InLine<AddressEntry> {
  readonly address: Ipv4
  /** Of the pool that it is in: undefined for reservations outside of all, and for leases of pools that the site had once. */
  shelf: Shelf | undefined
  record: LeaseRecord | undefined
  /** Transaction of the ACK that made the record. */
  acknowledgedIn: number | undefined
  /** The request that is being written. */
  pending: { mac: Mac; xid: number } | undefined
  /** The last one that was made of it. */
  offer: Offer | undefined
  line: Line<AddressEntry> | undefined
  before: AddressEntry | undefined
  after: AddressEntry | undefined

  constructor(address: Ipv4, shelf: Shelf | undefined) {
    this.address = address
    this.shelf = shelf
  }

  /** For a record that came: what was given back in the order in which it came, the rest by its end. */
  stand(record: LeaseRecord): void {
    const line = this.shelf?.[record.state]
    const { expiresAt } = record
    // Leases have one length, until the site file gives them another: then one that comes later may end before many that run.
    if (record.state === 'released') line?.add(this)
    else line?.insert(this, other => other.record!.expiresAt > expiresAt)
  }

  /** To be called whenever record, newest offer or request came or went. */
  takePlace(): void {
    const { shelf, record, offer, line } = this
    if (!shelf) return
    shelf.pool.mark(this.address, Boolean(record ?? offer ?? this.pending))
    if (offer) shelf[offer.standing].add(this)
    else if (!record) line?.delete(this)
    // Offered in vain: as good as given back.
    else if (line !== shelf.bound && line !== shelf.declined && line !== shelf.released) shelf.released.add(this)
  }
}

/** Of a machine: where its newest record is, bound or kept for reuse, and what it was offered. */
export type ClientEntry = { newest: AddressEntry | undefined; offer: Offer | undefined }
