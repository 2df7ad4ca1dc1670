/** What an operator does with leases: one set of operations behind the API and behind the command line without a running appliance. */
import type { Clock, Instant } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import { type Ipv4, ipv4ToNumber, parseIpv4 } from '../kit/ipv4.ts'
import { type Mac, parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import type { LeaseRecord, LeaseStore } from '../store/types.ts'
import { pageOfLeases } from './lease-page.ts'
import { type AboutLease, stateOfLease, viewLease } from './lease-view.ts'
import type { Page } from './pages.ts'
import type { LeasesQuery, LeaseView } from './schema/lease.ts'
import { PAGE_USUAL } from './schema/parts.ts'

export interface Leases {
  /** All of them, by address. */
  list(): Promise<LeaseView[]>
  /** What fits, by address, `PAGE_USUAL` of them unless another limit is said. */
  page(query: LeasesQuery): Promise<Page<LeaseView>>
  /** By address, MAC or name of the machine. `force`: also an address that an installed system has written down. `who`: as the timeline is to tell. */
  release(query: string, how: { force: boolean; who: string }): Promise<LeaseView | Problem>
  close(): Promise<void>
}

/** Who keeps the leases: the DHCP server while it runs, else the state on disk. */
export interface LeaseSource {
  all(): Promise<LeaseRecord[]>
  /** The record as it is then; undefined if there was none to give back. Rejects when it could not be written. */
  release(address: Ipv4): Promise<LeaseRecord | undefined>
  /** Records go, as if they had never been; resolves with them. Rejects when that could not be written. */
  drop(isGone: (record: LeaseRecord) => boolean): Promise<LeaseRecord[]>
}

/** The state on disk, with no DHCP server over it. */
export function storedLeases(store: LeaseStore, clock: Clock): LeaseSource {
  return {
    all: () => store.all(),
    async release(address) {
      const record = (await store.all()).find(kept => kept.address === address && kept.state !== 'released')
      if (!record) return undefined
      const released: LeaseRecord = { ...record, state: 'released', expiresAt: clock.now() }
      await store.put(released)
      return released
    },
    async drop(isGone) {
      const gone = (await store.all()).filter(isGone)
      if (gone.length > 0) await store.remove(gone.map(({ address }) => address))
      return gone
    },
  }
}

/** What grows old among them: leases that ended before that instant, of machines that nobody knows. */
export function staleLeases(leases: Pick<LeaseSource, 'drop'>, registry: Pick<Registry, 'byMac'>) {
  const prune = async (before: Instant): Promise<number> => {
    const gone = await leases.drop(({ mac, expiresAt }) => expiresAt < before && !registry.byMac(mac))
    return gone.length
  }
  return { what: 'leases of machines that are gone', prune }
}

const HINT = 'see `rackrise lease list`; a lease is named by its address, or by the MAC or name of its machine'

function unknown(query: string): Problem {
  return { code: 'unknown-lease', message: `no lease of "${query}"`, hint: HINT, severity: 'error' }
}

type Meant = { query: string; macs: ReadonlySet<Mac>; isReserved: (record: LeaseRecord) => boolean }

/** The one lease that is meant. An address names whatever is on record there; a machine means what it holds. */
function pick(records: readonly LeaseRecord[], { query, macs, isReserved }: Meant): LeaseRecord | Problem {
  const address = parseIpv4(query)
  const meant = records.filter(record => (address ? record.address === address : macs.has(record.mac)))
  const found = meant.filter(
    record => isReserved(record) || (address ? record.state !== 'released' : record.state === 'bound'),
  )
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    const byNumber = (a: Ipv4, b: Ipv4): number => ipv4ToNumber(a) - ipv4ToNumber(b)
    const list = found
      .map(record => record.address)
      .toSorted(byNumber)
      .join(', ')
    return {
      code: 'ambiguous-lease',
      message: `"${query}" holds ${found.length} leases: ${list}`,
      hint: 'name it by its address',
      severity: 'error',
    }
  }
  const isBack = meant.some(({ state }) => state === 'released')
  return isBack
    ? {
        code: 'not-leased',
        message: `the lease of "${query}" was given back already`,
        hint: 'nothing: the address is free',
        severity: 'error',
      }
    : unknown(query)
}

function installedWith(address: Ipv4, title: string): Problem {
  return {
    code: 'reserved-address',
    message: `the installed system of ${title} has ${address} written down and uses it, heard or not`,
    hint: `reinstall it with another network source, or give the address up all the same: \`rackrise lease release --force ${address}\``,
    severity: 'error',
  }
}

function unwritten(error: unknown): Problem {
  const what = error instanceof Error ? error.message : String(error)
  return {
    code: 'store-failed',
    message: `the lease could not be written: ${what}`,
    hint: 'make room on the disk of the state folder, and repeat the command',
    severity: 'error',
  }
}

type Shown = { about: (record: LeaseRecord) => AboutLease; now: Instant }

/** Cheap conditions first: a name is looked up. */
function filterOf({ state, mac, search }: LeasesQuery, { about, now }: Shown): (record: LeaseRecord) => boolean {
  const states = state === undefined ? undefined : new Set([state].flat())
  const macs = mac === undefined ? undefined : new Set([mac].flat().map(text => parseMac(text) ?? text))
  const words = (search ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  return record => {
    if (macs && !macs.has(record.mac)) return false
    if (!states && words.length === 0) return true
    const { name = '', isReserved } = about(record)
    const word = stateOfLease(record, isReserved, now)
    if (states && !states.has(word)) return false
    const text = [record.address, record.mac, name.toLowerCase(), word].join('\n')
    return words.every(one => text.includes(one))
  }
}

/** All records, and what installed systems have written down and no record tells of. */
async function recordsOf(source: LeaseSource, registry: Registry): Promise<LeaseRecord[]> {
  const leased = await source.all()
  const unknownToDhcp = new Set(registry.staticAddresses())
  if (unknownToDhcp.size > 0) for (const { address } of leased) unknownToDhcp.delete(address)
  const writtenDown = [...unknownToDhcp].map((address): LeaseRecord => {
    const { id, staticAddress } = registry.byStaticAddress(address)!
    const { at } = staticAddress!
    return { address, mac: id, state: 'released', boundAt: at, expiresAt: at }
  })
  return [...leased, ...writtenDown]
}

export function localLeases(source: LeaseSource, registry: Registry, clock: Clock, close: () => Promise<void>): Leases {
  const ownerOf = ({ address, mac }: LeaseRecord): Machine | undefined =>
    registry.byStaticAddress(address) ?? registry.byMac(mac)
  const about = (record: LeaseRecord): AboutLease => {
    const machine = ownerOf(record)
    const name = (machine && registry.listing(machine).name) ?? record.hostName
    return { name, isReserved: registry.byStaticAddress(record.address) !== undefined }
  }
  const view = (record: LeaseRecord): LeaseView => viewLease(record, about(record), clock.now())
  const macsOf = (query: string): Set<Mac> => {
    const mac = parseMac(query)
    return new Set(mac ? [mac] : registry.find(query).flatMap(({ macs }) => macs))
  }
  const page = async (query: LeasesQuery, limit: number): Promise<Page<LeaseView>> => {
    const [after, fits] = [query.after as Ipv4 | undefined, filterOf(query, { about, now: clock.now() })]
    const found = await pageOfLeases(await recordsOf(source, registry), { limit, after, fits })
    return { views: found.leases.map(view), hasMore: found.hasMore }
  }
  const giveUp = async (record: LeaseRecord, query: string, who: string): Promise<LeaseView | Problem> => {
    const { address } = record
    const holder = registry.byStaticAddress(address)
    if (holder) {
      const fact = { type: 'address-given-up', address, reason: `${who} released it`, who } as const
      await registry.record(holder.id, fact, 'operator')
    }
    const released = await source.release(address)
    if (released) return view(released)
    return holder ? view(record) : unknown(query)
  }
  return {
    list: async () => (await page({}, Number.POSITIVE_INFINITY)).views,
    page: query => page(query, query.limit ?? PAGE_USUAL),
    async release(query, { force, who }) {
      const isReserved = ({ address }: LeaseRecord): boolean => registry.byStaticAddress(address) !== undefined
      const record = pick(await recordsOf(source, registry), { query: query.trim(), macs: macsOf(query), isReserved })
      if (isProblem(record)) return record
      const holder = registry.byStaticAddress(record.address)
      if (holder && !force) return installedWith(record.address, registry.titleOf(holder))
      return giveUp(record, query, who).catch(unwritten)
    },
    close,
  }
}
