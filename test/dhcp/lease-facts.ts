/**
 * The rules of the lease table in words (RFC 2131 §4.3.1 and lease-table.ts): no lines, no pools and no maps kept in step. It remembers what happened,
 * and works out each answer anew from that.
 */
import { EXPIRY_GRACE_MS, moveLease, type SubnetCounts } from '../../services/dhcp/lease-table.ts'
import { OFFER_HOLD_MS, type Standing } from '../../services/dhcp/offers.ts'
import { isInPools } from '../../services/dhcp/subnet.ts'
import type { Instant } from '../../services/kit/clock.ts'
import { type Ipv4, ipv4ToNumber, prefixContains } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { Subnet } from '../../services/site/types.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { ip, mac } from './messages.ts'

export const MACHINES = [1, 2, 3, 4].map(last => mac(`52:54:00:00:00:0${last}`))
/** Of pools of all sites, of the first one only, of none but with a reservation, and of no network of the site. */
export const ADDRESSES = [
  '10.77.0.100',
  '10.77.0.101',
  '10.77.0.102',
  '10.77.0.103',
  '10.77.0.50',
  '10.78.0.10',
  '10.78.0.11',
]
  .concat('10.77.0.11', '10.99.0.5')
  .map(ip)
type Put = { record: LeaseRecord; xid?: number; at: number; isLoaded: boolean }
type Made = { mac: Mac; address: Ipv4; standing: Standing; until: Instant; at: number; endedAt?: number }
type Asked = { mac: Mac; address: Ipv4; xid: number }

/** What happened, with a number for each event: the higher one is the later. */
export class Facts {
  #event = 0
  /** Every record that was ever written, and every address whose record was taken away. */
  history: (Put | { removed: Ipv4 })[] = []
  offers: Made[] = []
  underWay: Asked[] = []
  /** Requests that began or ended. */
  asked: { address: Ipv4; at: number }[] = []
  reloadedAt = 0
  subnets: readonly Subnet[]

  constructor(subnets: readonly Subnet[]) {
    this.subnets = subnets
  }

  #next(): number {
    this.#event += 1
    return this.#event
  }

  /** What ended first comes first, and what runs on last; a record of the future runs its length from now. */
  load(records: readonly LeaseRecord[], now: Instant): void {
    const rebased = records.map(record => moveLease(record, Math.min(0, now - record.boundAt)))
    const byEnd = rebased.toSorted((a, b) => a.expiresAt - b.expiresAt)
    const inTurn = [...byEnd.filter(one => !isLeased(one, now)), ...byEnd.filter(one => isLeased(one, now))]
    for (const record of inTurn) this.history.push({ record, at: this.#next(), isLoaded: true })
  }

  shift(byMs: number): void {
    this.history = this.history.map(one => ('record' in one ? { ...one, record: moveLease(one.record, byMs) } : one))
    this.offers = this.offers.map(one => ({ ...one, until: one.until + byMs }))
  }

  reload(subnets: readonly Subnet[]): void {
    this.subnets = subnets
    this.reloadedAt = this.#next()
  }

  hold(holder: Mac, address: Ipv4, now: Instant, standing: Standing): void {
    this.unhold(holder)
    this.offers.push({ mac: holder, address, standing, until: now + OFFER_HOLD_MS, at: this.#next() })
    this.expireHolds(now)
  }

  unhold(holder: Mac): void {
    for (const offer of this.#live()) if (offer.mac === holder) offer.endedAt = this.#next()
  }

  /** Those to strangers end first. */
  expireHolds(now: Instant): void {
    const over = this.#live().filter(({ until }) => now >= until)
    const inTurn = (standing: Standing) => over.filter(offer => offer.standing === standing)
    for (const offer of [...inTurn('stranger'), ...inTurn('known')]) offer.endedAt = this.#next()
  }

  begin(address: Ipv4, asking: Mac, xid: number): void {
    this.underWay = [...this.underWay.filter(one => one.address !== address), { address, mac: asking, xid }]
    this.asked.push({ address, at: this.#next() })
  }

  end(address: Ipv4, asking: Mac, xid: number): void {
    if (this.pendingIn(address, asking) !== xid) return
    this.underWay = this.underWay.filter(one => one.address !== address)
    this.asked.push({ address, at: this.#next() })
  }

  /** Whoever was offered the address last is offered it no more. */
  put(record: LeaseRecord, xid?: number): void {
    this.history.push({ record, at: this.#next(), isLoaded: false, ...(xid === undefined ? {} : { xid }) })
    const offer = this.#offerOf(record.address)
    if (offer) offer.endedAt = this.#next()
  }

  remove(address: Ipv4): void {
    if (this.at(address)) this.history.push({ removed: address })
  }

  /** The last that was written of the address, unless it was taken away since. */
  #put(address: Ipv4): Put | undefined {
    const last = this.history.findLast(one => ('record' in one ? one.record.address : one.removed) === address)
    return last && 'record' in last ? last : undefined
  }

  #live(): Made[] {
    return this.offers.filter(({ endedAt }) => endedAt === undefined)
  }

  /** The last offer that was made of the address; when that is over the earlier ones do not come back. */
  #offerOf(address: Ipv4): Made | undefined {
    const last = this.offers.findLast(offer => offer.address === address)
    return last?.endedAt === undefined ? last : undefined
  }

  at(address: Ipv4): LeaseRecord | undefined {
    return this.#put(address)?.record
  }

  all(): LeaseRecord[] {
    return ADDRESSES.flatMap(address => this.at(address) ?? [])
  }

  /** What it was acknowledged last, or gave back; when another record takes that place, nothing, until it is acknowledged or gives back again. */
  ofMac(owner: Mac): LeaseRecord | undefined {
    let newest: LeaseRecord | undefined
    for (const one of this.history) {
      const { address } = 'record' in one ? one.record : { address: one.removed }
      if (newest?.address === address) newest = undefined
      if (!('record' in one) || one.record.mac !== owner || one.record.state === 'declined') continue
      // What it gave back does not hide what it holds.
      if (one.isLoaded || one.record.state === 'bound' || newest?.state !== 'bound') newest = one.record
    }
    return newest
  }

  heldBy(holder: Mac, now: Instant): Ipv4 | undefined {
    const held = this.#live().find(offer => offer.mac === holder)
    return held && now < held.until && !this.#isOfAnother(held.address, holder, now) ? held.address : undefined
  }

  #rival(address: Ipv4, asking: Mac, now: Instant): Made | undefined {
    const offer = this.#offerOf(address)
    return offer && offer.mac !== asking && now < offer.until ? offer : undefined
  }

  #isOfAnother(address: Ipv4, asking: Mac, now: Instant): boolean {
    const record = this.at(address)
    return (
      isInQuarantine(record, now) ||
      (isLeased(record, now) && record?.mac !== asking) ||
      this.underWay.some(one => one.address === address && one.mac !== asking) ||
      this.#rival(address, asking, now)?.standing === 'known'
    )
  }

  isFreeFor(address: Ipv4, asking: Mac, now: Instant, standing: Standing): boolean {
    if (this.#isOfAnother(address, asking, now)) return false
    return standing === 'known' || !this.#rival(address, asking, now) || this.heldBy(asking, now) === address
  }

  #pool({ pools }: Subnet): Ipv4[] {
    const inTurn = pools.map(pool => ADDRESSES.filter(address => isBetween(pool, address)))
    return inTurn.flatMap(addresses => addresses.toSorted((a, b) => ipv4ToNumber(a) - ipv4ToNumber(b)))
  }

  /** Somebody was offered what has a record, and did not take it: as good as given back then. A reload forgets it. */
  #vainAt(address: Ipv4): number | undefined {
    const put = this.#put(address)
    const last = this.offers.findLast(offer => offer.address === address)
    const { endedAt } = last ?? {}
    return put && endedAt !== undefined && endedAt > put.at + 1 && endedAt > this.reloadedAt ? endedAt : undefined
  }

  nextFree(of: Subnet, asking: Mac, now: Instant, isUnfit: (address: Ipv4) => boolean): Ipv4 | undefined {
    if (!this.subnets.includes(of)) return undefined
    const free = this.#pool(of).filter(address => {
      const isSpoken = this.#offerOf(address) || isLeased(this.at(address), now)
      return !isSpoken && !this.#isOfAnother(address, asking, now) && !isUnfit(address)
    })
    const isUnderWay = (address: Ipv4) => this.underWay.some(one => one.address === address)
    const neverUsed = free.filter(address => !this.at(address) && !isUnderWay(address))
    const [givenBack, ended, declined] = [[], [], []] as Ipv4[][]
    for (const address of free) {
      const state = this.at(address)?.state
      if (this.#vainAt(address) !== undefined || state === 'released') givenBack!.push(address)
      else if (state === 'bound') ended!.push(address)
      else if (state === 'declined') declined!.push(address)
    }
    const end = (address: Ipv4) => this.at(address)!.expiresAt
    // What was given back before a reload, by when; then what came since, in that order.
    const since = (address: Ipv4) => Math.max(this.#vainAt(address) ?? 0, this.#put(address)!.at)
    const rank = (address: Ipv4) => (since(address) > this.reloadedAt ? [1, since(address)] : [0, end(address)])
    const byRank = (a: Ipv4, b: Ipv4) => rank(a)[0]! - rank(b)[0]! || rank(a)[1]! - rank(b)[1]!
    const byEnd = (a: Ipv4, b: Ipv4) => end(a) - end(b)
    return [...neverUsed, ...givenBack!.toSorted(byRank), ...ended!.toSorted(byEnd), ...declined!.toSorted(byEnd)][0]
  }

  nextOffered(of: Subnet, asking: Mac, now: Instant, isUnfit: (address: Ipv4) => boolean): Ipv4 | undefined {
    if (!this.subnets.includes(of)) return undefined
    const offered = this.#pool(of).filter(address => this.#offerOf(address)?.standing === 'stranger')
    const touched = (address: Ipv4) => {
      const asks = this.asked.filter(one => one.address === address && one.at > this.reloadedAt).map(({ at }) => at)
      // What was asked for when the site was loaded anew stands behind what is only offered.
      const atReload = this.underWay.some(one => one.address === address) ? this.reloadedAt : 0
      return Math.max(this.#offerOf(address)!.at, atReload, ...asks)
    }
    const inTurn = offered.toSorted((a, b) => touched(a) - touched(b))
    return inTurn.find(address => !this.#isOfAnother(address, asking, now) && !isUnfit(address))
  }

  quarantine(address: Ipv4, machine: Mac, now: Instant) {
    const around = this.subnets.find(one => isInPools(one, address))
    const pool = around ? this.#pool(around) : []
    const quarantined = pool.map(one => this.at(one)).filter(record => isInQuarantine(record, now))
    const byMachine = quarantined.filter(record => record?.mac === machine).length
    return { inPools: quarantined.length, byMachine, poolSize: pool.length }
  }

  acknowledgedIn(address: Ipv4): number | undefined {
    return this.#put(address)?.xid
  }

  pendingIn(address: Ipv4, asking: Mac): number | undefined {
    return this.underWay.find(one => one.address === address && one.mac === asking)?.xid
  }

  isPending(address: Ipv4): boolean {
    return this.underWay.some(one => one.address === address)
  }

  get holdCount(): number {
    return this.#live().length
  }

  /** Of a machine remains what it was offered and the newest record. */
  get machineCount(): number {
    return MACHINES.filter(one => this.ofMac(one) || this.#live().some(offer => offer.mac === one)).length
  }

  counts(now: Instant, reserved: Iterable<Ipv4>): SubnetCounts[] {
    return this.subnets.map(of => {
      const records = this.all().filter(({ address }) => prefixContains(of.prefix, address))
      const leased = records.filter(record => isLeased(record, now))
      const quarantined = records.filter(record => isInQuarantine(record, now))
      const rest = records.filter(record => !leased.includes(record) && !quarantined.includes(record))
      const released = rest.filter(({ state }) => state === 'released').length
      const pool = this.#pool(of)
      const isTaken = (address: Ipv4) => {
        const offer = this.#offerOf(address)
        const isInUse = [...leased, ...quarantined].some(record => record.address === address)
        return isInUse || (offer && now < offer.until) || [...reserved].includes(address)
      }
      return {
        subnet: of,
        leases: {
          active: leased.length,
          ended: rest.length - released,
          released,
          quarantined: quarantined.length,
        },
        poolSize: pool.length,
        poolTaken: pool.filter(isTaken).length,
      }
    })
  }
}

export function isLeased(record: LeaseRecord | undefined, now: Instant): boolean {
  return record?.state === 'bound' && now < record.expiresAt + EXPIRY_GRACE_MS
}

function isInQuarantine(record: LeaseRecord | undefined, now: Instant): boolean {
  return record?.state === 'declined' && now < record.expiresAt
}

function isBetween({ first, last }: { first: Ipv4; last: Ipv4 }, address: Ipv4): boolean {
  const value = ipv4ToNumber(address)
  return value >= ipv4ToNumber(first) && value <= ipv4ToNumber(last)
}
