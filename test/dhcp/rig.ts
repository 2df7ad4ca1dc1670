/** A site, a fleet and a lease table for tests, with every part open to change. */
import type { DhcpPlan } from '../../services/boot/plan.ts'
import { dhcpPlan } from '../../services/boot/plan.ts'
import type { Change, Decision, DhcpView, Reply, ServerFacts, Silence } from '../../services/dhcp/decision.ts'
import type { DhcpClient, DhcpFact, DhcpFleet, Owner } from '../../services/dhcp/fleet.ts'
import { LeaseTable, moveLease } from '../../services/dhcp/lease-table.ts'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { respond } from '../../services/dhcp/respond.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { parsePrefix, parseRange } from '../../services/kit/ipv4.ts'
import type { Log } from '../../services/kit/log.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { ExtraOption, Subnet } from '../../services/site/types.ts'
import type { LeaseRecord, LeaseStore } from '../../services/store/types.ts'
import { ip } from './messages.ts'

export const OURS = ip('10.77.0.1')
export const START = Date.UTC(2026, 0, 1)
export const SCRIPT_URL = 'http://10.77.0.1/boot.ipxe?mac=bc-24-11-ab-12-21'
export const ANSWER = { url: 'https://10.77.0.1/answer/k3y', fingerprint: 'AB:CD:EF' }

export function subnet(prefix: string, pools: string[], more: Partial<Subnet> = {}): Subnet {
  return {
    prefix: parsePrefix(prefix)!,
    pools: pools.map(pool => parseRange(pool)!),
    dns: [OURS],
    ntp: [],
    relays: [],
    options: [],
    ...more,
  }
}

export const RACK = subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.103'], { router: ip('10.77.0.254') })

export function server(more: Partial<ServerFacts> = {}): ServerFacts {
  return {
    address: OURS,
    prefix: parsePrefix('10.77.0.0/24')!,
    domain: 'rack7.example.org',
    leaseSeconds: 3600,
    authoritative: true,
    subnets: [RACK],
    subnetSelection: false,
    httpPort: 80,
    ...more,
  }
}

/** Approves everybody, and plans as the appliance does. */
export class TestFleet implements DhcpFleet {
  readonly reservations = new Map<Mac, Ipv4>()
  readonly names = new Map<Mac, string>()
  readonly options = new Map<Mac, ExtraOption[]>()
  readonly plans = new Map<Mac, DhcpPlan>()
  readonly listed = new Set<Mac>()
  readonly facts: DhcpFact[] = []
  readonly loaders = new Set(['undionly.kpxe', 'snponly.efi', 'snponly-arm64.efi'])

  view({ mac, boot }: DhcpClient) {
    const reservation = this.reservations.get(mac)
    const hostName = this.names.get(mac)
    const options = this.options.get(mac)
    return {
      plan: this.plans.get(mac) ?? dhcpPlan(boot, { scriptUrl: SCRIPT_URL, answer: ANSWER }, this.loaders),
      ...(reservation ? { reservation } : {}),
      ...(hostName ? { hostName } : {}),
      ...(options ? { options } : {}),
      ...(this.listed.has(mac) || reservation ? { isListed: true as const } : {}),
    }
  }

  reservedFor(address: Ipv4): Owner | undefined {
    const macs = [...this.reservations].flatMap(([owner, reserved]) => (reserved === address ? [owner] : []))
    return macs.length > 0 ? { macs, keys: [] } : undefined
  }

  reserved(): Iterable<Ipv4> {
    return this.reservations.values()
  }

  tell(fact: DhcpFact): void {
    this.facts.push(fact)
  }
}

/** `respond` with its changes carried out at once, as if every write succeeded. */
export class Bench {
  readonly fleet = new TestFleet()
  readonly table: LeaseTable
  readonly view: DhcpView
  now = START

  constructor(more: Partial<ServerFacts> = {}) {
    const facts = server(more)
    this.table = new LeaseTable(facts.subnets, facts.address)
    this.view = { server: facts, leases: this.table, fleet: this.fleet }
  }

  decide(message: DhcpMessage): Decision {
    this.table.expireHolds(this.now)
    const decision = respond(message, this.view, this.now)
    for (const change of decision.changes) this.#apply(change, message.xid)
    return decision
  }

  #apply(change: Change, xid: number): void {
    if (change.change === 'hold') this.table.hold(change.mac, change.address, this.now, change.standing)
    if (change.change === 'unhold') this.table.unhold(change.mac)
    if (change.change === 'put') {
      this.table.put(change.record, xid)
      this.table.unhold(change.record.mac)
    }
  }

  reply(message: DhcpMessage): Reply {
    const decision = this.decide(message)
    if (decision.do !== 'reply') throw new Error(`silent: ${decision.reason}`)
    return decision
  }

  silence(message: DhcpMessage): Silence {
    const decision = this.decide(message)
    if (decision.do !== 'silence') throw new Error(`replied: ${decision.reason}`)
    return decision
  }

  /** What a test writes down about a decision: its kind, its reason, its address. */
  outcome(message: DhcpMessage): string {
    const decision = this.decide(message)
    const kind = decision.do === 'reply' ? decision.type : 'silence'
    return [kind, decision.reason, decision.address].filter(Boolean).join(' ')
  }

  lease(address: string, mac: Mac, more: Partial<LeaseRecord> = {}): LeaseRecord {
    const record: LeaseRecord = {
      address: ip(address),
      mac,
      state: 'bound',
      boundAt: this.now,
      expiresAt: this.now + 3_600_000,
      ...more,
    }
    this.table.put(record)
    return record
  }
}

/** A store in memory that can be told to fail or to wait. */
export class MemoryStore implements LeaseStore {
  readonly records = new Map<Ipv4, LeaseRecord>()
  readonly written: LeaseRecord[] = []
  failure: Error | undefined
  #waiting: (() => void)[] | undefined

  async all(): Promise<LeaseRecord[]> {
    return [...this.records.values()]
  }

  async put(record: LeaseRecord): Promise<void> {
    const waiting = this.#waiting
    if (waiting) await new Promise<void>(resolve => waiting.push(resolve))
    if (this.failure) throw this.failure
    this.written.push(record)
    this.records.set(record.address, record)
  }

  async shift(byMs: number): Promise<void> {
    const waiting = this.#waiting
    if (waiting) await new Promise<void>(resolve => waiting.push(resolve))
    if (this.failure) throw this.failure
    for (const record of this.records.values()) this.records.set(record.address, moveLease(record, byMs))
  }

  async remove(addresses: readonly Ipv4[]): Promise<void> {
    if (this.failure) throw this.failure
    for (const address of addresses) this.records.delete(address)
  }

  holdWrites(): void {
    this.#waiting ??= []
  }

  /** What waits is never written and nobody hears of it: the power went. */
  loseWrites(): void {
    this.#waiting = undefined
  }

  letWritesGo(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const go of waiting) go()
  }
}

/** Silences of a proxy and of the boot server only. */
export type BootSilence =
  | 'addresses-elsewhere'
  | 'not-booting'
  | 'unsupported-architecture'
  | 'loader-missing'
  | 'boot-loop'
  | 'no-boot-request'
  | 'windows-deployment'
  | 'foreign-network'

export type Line = { level: string; message: string; reason: unknown; fields: Record<string, unknown> }

export function listeningLog(): Log & { lines: Line[] } {
  const lines: Line[] = []
  const at = (level: string) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, message, reason: fields.reason, fields })
  }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
