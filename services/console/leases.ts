/** What an operator does with leases: one set of operations behind the API and behind the command line without a running appliance. */
import type { Clock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import { type Ipv4, parseIpv4 } from '../kit/ipv4.ts'
import { type Mac, parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { Registry } from '../machine/registry.ts'
import type { LeaseRecord, LeaseStore } from '../store/types.ts'
import { byAddress, type LeaseView, viewLease } from './lease-view.ts'

export interface Leases {
  /** By address. */
  list(): Promise<LeaseView[]>
  /** By address, MAC or name of the machine. */
  release(query: string): Promise<LeaseView | Problem>
  close(): Promise<void>
}

/** Who keeps the leases: the DHCP server while it runs, else the state on disk. */
export interface LeaseSource {
  all(): Promise<LeaseRecord[]>
  /** The record as it is then; undefined if there was none to give back. Rejects when it could not be written. */
  release(address: Ipv4): Promise<LeaseRecord | undefined>
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
  }
}

const HINT = 'see `rackrise lease list`; a lease is named by its address, or by the MAC or name of its machine'

function unknown(query: string): Problem {
  return { code: 'unknown-lease', message: `no lease of "${query}"`, hint: HINT, severity: 'error' }
}

/** The one lease that is meant. An address names whatever is on record there; a machine means what it holds. */
function pick(records: LeaseRecord[], query: string, macs: ReadonlySet<Mac>): LeaseRecord | Problem {
  const address = parseIpv4(query)
  const meant = records.filter(record => (address ? record.address === address : macs.has(record.mac)))
  const found = meant.filter(({ state }) => (address ? state !== 'released' : state === 'bound'))
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    const list = found.map(record => record.address).join(', ')
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

function unwritten(error: unknown): Problem {
  const what = error instanceof Error ? error.message : String(error)
  return {
    code: 'store-failed',
    message: `the lease could not be written: ${what}`,
    hint: 'make room on the disk of the state directory, and repeat the command',
    severity: 'error',
  }
}

export function localLeases(source: LeaseSource, registry: Registry, clock: Clock, close: () => Promise<void>): Leases {
  const nameOf = ({ mac, hostName }: LeaseRecord): string | undefined => {
    const machine = registry.byMac(mac)
    return (machine && registry.listing(machine).name) ?? hostName
  }
  const view = (record: LeaseRecord): LeaseView => viewLease(record, nameOf(record), clock.now())
  const macsOf = (query: string): Set<Mac> => {
    const mac = parseMac(query)
    return new Set(mac ? [mac] : registry.find(query).flatMap(({ macs }) => macs))
  }
  return {
    list: async () => (await source.all()).toSorted(byAddress).map(view),
    async release(query) {
      const record = pick((await source.all()).toSorted(byAddress), query.trim(), macsOf(query))
      if (isProblem(record)) return record
      try {
        const released = await source.release(record.address)
        return released ? view(released) : unknown(query)
      } catch (error) {
        return unwritten(error)
      }
    },
    close,
  }
}
