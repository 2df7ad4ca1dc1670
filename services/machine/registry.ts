/** The fleet: every machine that was listed or seen, its events kept in the store, its state their fold. */
import { randomBytes } from 'node:crypto'
import type { Clock, Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import type { EventRow, EventStore } from '../store/types.ts'
import {
  type AttemptId,
  describeFact,
  type EventSource,
  type Fact,
  fieldsOf,
  levelOf,
  type MachineEvent,
  type MachineId,
} from './event.ts'
import { type Conflict, conflictsOf, isConflict, isNoted } from './conflict.ts'
import { advance, BACK_WITHIN_MS, type Machine, newMachine, overdue } from './lifecycle.ts'
import { teaches, withoutPlaceholders } from './facts.ts'
import { answersTo } from './find.ts'
import { eventOf } from './fold.ts'
import { Identities } from './identities.ts'
import { machineLog } from './machine-log.ts'
import { type Listing, listingOf, otherClaimOn, profileFor, siteAddressOf } from './listing.ts'
import { nextNumber } from './numbering.ts'
import { type Progress, withNews } from './progress.ts'
import { attemptToken, hashToken, type SecretPurpose } from './secrets.ts'
import { StaticAddresses } from './static-addresses.ts'

export type RegistryOptions = {
  site: Site
  store: EventStore
  key: Uint8Array
  clock: Clock
  log: Log
}

export type Sighting = Omit<Extract<Fact, { type: 'sighted' }>, 'type'>

export type Listener = (machine: Machine, event: MachineEvent) => void

/** Machines that are neither listed nor approved; a rack has a few dozen. */
export const STRANGERS_MOST = 2000
const ATTEMPT_ID_BYTES = 4

/** Events of one machine that are applied and not yet durable, oldest first, and what it was before them. */
type Unwritten = { before: Machine | undefined; events: MachineEvent[] }

export class Registry {
  readonly #options: RegistryOptions
  readonly #log: Log
  readonly #machines = new Map<MachineId, Machine>()
  readonly #identities: Identities
  readonly #byToken = new Map<string, MachineId>()
  readonly #statics = new StaticAddresses()
  readonly #heardAt = new Map<MachineId, Instant>()
  readonly #progress = new Map<MachineId, Progress>()
  /** How many machines were never approved: listed ones, and those that anybody on the VLAN can invent. */
  #neverApproved = 0
  /** A machine is a new object whenever something about it changes, so what was worked out for the object holds. */
  readonly #listings = new WeakMap<Machine, Listing>()
  readonly #listeners = new Set<Listener>()
  readonly #unwritten = new Map<MachineId, Unwritten>()
  readonly #openedAt: Instant
  #version = 0

  private constructor(options: RegistryOptions) {
    this.#options = options
    this.#log = machineLog(options.log, this, 'machine')
    this.#identities = new Identities(options.site)
    this.#openedAt = options.clock.now()
  }

  /** Folds what the store holds, then adds the machines that the site lists and that were never seen. */
  static async open(options: RegistryOptions): Promise<Registry> {
    const registry = new Registry(options)
    for (const row of await options.store.all()) registry.#replay(row)
    await registry.#addListed()
    // A rule that was written after a machine was seen holds for that machine, too.
    for (const { id } of registry.machines()) await registry.#settle(id)
    return registry
  }

  /** Another number whenever any machine has changed: what was worked out for the same number still holds. */
  get version(): number {
    return this.#version
  }

  machines(): Machine[] {
    return [...this.#machines.values()]
  }

  byMac(mac: Mac): Machine | undefined {
    const id = this.#identities.ofMac(mac)
    return id && this.#machines.get(id)
  }

  /** The machine whose installed system has this address written down. */
  byStaticAddress(address: Ipv4): Machine | undefined {
    const id = this.#statics.holderOf(address)
    return id && this.#machines.get(id)
  }

  staticAddresses(): Iterable<Ipv4> {
    return this.#statics.addresses()
  }

  byAttempt(attempt: string): Machine | undefined {
    return this.machines().find(machine => machine.attempt?.id === attempt)
  }

  /** By host name, FQDN, MAC in any spelling, serial number, or address: what a person may type. */
  find(query: string): Machine[] {
    return this.machines().filter(machine => answersTo(query, machine, this.listing(machine)))
  }

  listing(machine: Machine): Listing {
    const known = this.#listings.get(machine)
    if (known) return known
    const listing = listingOf(machine, this.#options.site)
    this.#listings.set(machine, listing)
    return listing
  }

  /** The name people know it by: host name, else MAC. */
  titleOf(machine: Machine): string {
    return this.listing(machine).name ?? machine.id
  }

  progress(machine: Machine): Progress | undefined {
    return this.#progress.get(machine.id)
  }

  heardAt(machine: Machine): Instant {
    return Math.max(this.#heardAt.get(machine.id) ?? 0, machine.lastEventAt)
  }

  /** A sign of life that is not an event: part of a download, a repeated question. */
  heard(id: MachineId, progress?: Pick<Progress, 'file' | 'sent' | 'total'>): void {
    const at = this.#options.clock.now()
    this.#heardAt.set(id, at)
    if (!progress) return
    this.#progress.set(id, withNews(this.#progress.get(id), progress, at))
  }

  /**
   * Whether a machine that nobody knows may become known. Every DISCOVER with an invented MAC would make one, so there is an end to it (C13);
   * machines beyond it still boot their disks.
   */
  admits(mac: Mac): boolean {
    return (
      this.#identities.ofMac(mac) !== undefined ||
      this.#neverApproved < STRANGERS_MOST + this.#options.site.machines.length
    )
  }

  /**
   * Who is this? Makes the machine known, or learns what is new about it; `site` says it came from the site file. The first MAC that is known
   * says who it is. A MAC of another machine stays with that one: what a machine says of itself must not make it a second machine.
   */
  async sight(said: Sighting, source: EventSource): Promise<Machine> {
    const sighting = withoutPlaceholders(said)
    const known = sighting.macs.map(mac => this.byMac(mac)).find(machine => machine !== undefined)
    const id = known?.id ?? (sighting.macs[0] as MachineId)
    const macs = sighting.macs.filter(mac => (this.#identities.ofMac(mac) ?? id) === id)
    const isNews = !known || teaches(known, { ...sighting, macs })
    const written = isNews ? this.record(id, { type: 'sighted', ...sighting, macs }, source) : undefined
    const noted = this.#noteConflicts(id, sighting.macs, source)
    // Also where nothing is new about it: its address may be, and with it the rule that takes it.
    await Promise.all([written, noted, this.#settle(id)])
    return this.#machines.get(id)!
  }

  /** What the machine claims that is another one's, if it posts these MACs. */
  conflictsOf(machine: Machine, macs: readonly Mac[] = machine.macs): Conflict[] {
    return conflictsOf(machine, macs, this.#identities, this, this.#options.site)
  }

  /** The same, of those that were found when it was seen: what stands between it and an approval by the site. */
  standingConflicts(machine: Machine): Conflict[] {
    return (machine.conflicts ?? []).filter(conflict => {
      const other = this.#machines.get(conflict.with)
      return other !== undefined && isConflict(conflict, machine, other, this.#options.site)
    })
  }

  /**
   * Applies a fact at once and resolves with the event when it is on stable storage. Rejects when it could not be written; the fact is taken back
   * then, so that nothing is true of a machine that a restart would not know.
   */
  async record(id: MachineId, fact: Fact, source: EventSource): Promise<MachineEvent> {
    const at = this.#options.clock.now()
    const before = this.#machines.get(id)
    const step = advance(before ?? newMachine(id, at), { ...fact, at, source })
    this.#keep(step.machine)
    const event: MachineEvent = { ...fact, at, source, ...(step.anomaly ? { anomaly: step.anomaly } : {}) }
    this.#log[step.anomaly ? 'warn' : levelOf(fact)](fieldsOf(id, event), describeFact(fact))
    const body = JSON.stringify(step.anomaly ? { ...fact, anomaly: step.anomaly } : fact)
    const unwritten = this.#unwritten.get(id) ?? { before, events: [] }
    unwritten.events.push(event)
    this.#unwritten.set(id, unwritten)
    try {
      event.seq = await this.#options.store.append({ machine: id, at, source, type: fact.type, body })
      unwritten.before = advance(unwritten.before ?? newMachine(id, at), event).machine
      this.#written(id, unwritten, event)
    } catch (error) {
      this.#written(id, unwritten, event)
      this.#refold(id, unwritten)
      throw error
    }
    for (const listener of this.#listeners) listener(this.#machines.get(id)!, event)
    return event
  }

  /** For a fact that nobody can wait for, such as one about a packet: that it could not be written is in the log. */
  inBackground(mac: Mac, write: Promise<unknown>): void {
    write.catch((error: unknown) => this.#log.error({ mac, error: String(error) }, 'an event could not be kept'))
  }

  /** Starts an attempt, or says why it can't; the lifecycle has the last word. */
  async startAttempt(
    machine: Machine,
    order: { by: 'operator' | 'site'; again: boolean; profile?: string; reason?: string; who?: string },
  ): Promise<AttemptId | Problem> {
    const { site } = this.#options
    const profile = order.profile ?? profileFor(this.listing(machine), site)
    if (!profile || !site.profiles.has(profile)) {
      const names = [...site.profiles.keys()].join(', ') || 'none'
      const message = profile
        ? `there is no profile "${profile}"`
        : `${this.titleOf(machine)} has no profile in the site file`
      return {
        code: 'no-profile',
        message,
        hint: `choose one with --profile (defined: ${names}), or list the machine`,
        severity: 'error',
      }
    }
    const attempt = randomBytes(ATTEMPT_ID_BYTES).toString('hex') as AttemptId
    const fact: Fact = {
      type: 'attempt-started',
      attempt,
      by: order.by,
      again: order.again,
      profile,
      ...(order.profile ? { chosen: true } : {}),
      ...(order.reason ? { reason: order.reason } : {}),
      ...(order.who ? { who: order.who } : {}),
    }
    const refusal = advance(machine, { ...fact, at: this.#options.clock.now(), source: order.by }).anomaly
    if (refusal)
      return {
        code: 'not-approvable',
        message: refusal,
        hint: 'see `rackrise machine show` for its state',
        severity: 'error',
      }
    await this.record(machine.id, fact, order.by)
    return attempt
  }

  token(attempt: AttemptId, purpose: SecretPurpose): string {
    return attemptToken(this.#options.key, attempt, purpose)
  }

  /** The machine whose latest attempt this token belongs to. Only hashes are compared. */
  byToken(token: string, purpose: SecretPurpose): Machine | undefined {
    const id = this.#byToken.get(`${purpose}:${hashToken(token)}`)
    return id && this.#machines.get(id)
  }

  timeline(id: MachineId, after: number, most: number): Promise<MachineEvent[]> {
    return this.#options.store.timeline(id, after, most).then(rows => rows.map(eventOf))
  }

  /** Hears every event once it is durable; returns how to stop. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What the clock has to say about every machine. Called every few seconds. */
  async sweep(): Promise<void> {
    const { clock, site } = this.#options
    const now = clock.now()
    for (const machine of this.machines()) {
      // What was said while this appliance was down was not heard: silence counts from when it began to listen.
      const event = overdue(machine, now, Math.max(this.heardAt(machine), this.#openedAt), site.boot.stallAfterMs)
      const tooEarly = event?.type === 'installation-inferred' && now - this.#openedAt <= BACK_WITHIN_MS
      if (event && !tooEarly) await this.record(machine.id, event, 'clock')
    }
  }

  #written(id: MachineId, unwritten: Unwritten, event: MachineEvent): void {
    unwritten.events = unwritten.events.filter(other => other !== event)
    if (unwritten.events.length === 0) this.#unwritten.delete(id)
  }

  /** The machine as the store knows it, with what is still on its way there. */
  #refold(id: MachineId, { before, events }: Unwritten): void {
    const first = before ?? (events[0] && newMachine(id, events[0].at))
    if (first) this.#keep(events.reduce((machine, event) => advance(machine, event).machine, first))
    else this.#forget(id)
  }

  #forget(id: MachineId): void {
    this.#version += 1
    this.#identities.follow(this.#machines.get(id), undefined)
    this.#statics.follow(this.#machines.get(id), undefined)
    this.#machines.delete(id)
  }

  #replay(row: EventRow): void {
    const id = row.machine as MachineId
    const machine = this.#machines.get(id) ?? newMachine(id, row.at)
    this.#keep(advance(machine, eventOf(row)).machine)
  }

  #keep(machine: Machine): void {
    this.#version += 1
    const before = this.#machines.get(machine.id)
    if (machine.attempts === 0 && !before) this.#neverApproved += 1
    if (machine.attempts > 0 && before?.attempts === 0) this.#neverApproved -= 1
    this.#machines.set(machine.id, machine)
    this.#statics.follow(before, machine)
    this.#identities.follow(before, machine)
    if (before?.attempt?.id === machine.attempt?.id) return
    this.#progress.delete(machine.id)
    for (const purpose of ['answer', 'webhook', 'first-boot', 'bearer'] as const) {
      if (before?.attempt) this.#byToken.delete(`${purpose}:${hashToken(this.token(before.attempt.id, purpose))}`)
      if (machine.attempt)
        this.#byToken.set(`${purpose}:${hashToken(this.token(machine.attempt.id, purpose))}`, machine.id)
    }
  }

  /** A conflict is told once: whoever approves the machine after that has seen it. */
  async #noteConflicts(id: MachineId, macs: readonly Mac[], source: EventSource): Promise<void> {
    const machine = this.#machines.get(id)!
    const conflicts = this.conflictsOf(machine, macs).filter(conflict => !isNoted(machine, conflict))
    if (conflicts.length > 0) await this.record(id, { type: 'identity-conflicted', conflicts }, source)
  }

  async #addListed(): Promise<void> {
    for (const listed of this.#options.site.machines) {
      const known = listed.macs.map(mac => this.byMac(mac)).find(machine => machine !== undefined)
      if (known) await this.#settle(known.id)
      else await this.sight({ macs: listed.macs }, 'site')
    }
  }

  /** After it became known or better known: its number, and the approval that the site gives. */
  async #settle(id: MachineId): Promise<void> {
    const { site } = this.#options
    const seen = this.#machines.get(id)!
    const { series, approve, from } = this.listing(seen)
    if (series?.includes('{{index}}') && seen.number?.series !== series) {
      await this.record(id, { type: 'numbered', series, index: nextNumber(series, this.machines(), site) }, 'site')
    }
    await this.#settleAddress(seen)
    const install = approve || (from === 'nothing' && site.boot.unknown === 'install')
    const machine = this.#machines.get(id)
    if (!install || !machine || machine.attempts > 0 || machine.state !== 'held') return
    if (this.standingConflicts(machine).length > 0) return
    const started = await this.startAttempt(machine, { by: 'site', again: false })
    if (typeof started !== 'string')
      this.#log.warn({ mac: id, code: started.code }, `${started.message}; ${started.hint}`)
  }

  /** Its own address may change by the site's word, though the installed system does not hear it; nobody else gets it by that. */
  async #settleAddress({ id, macs, staticAddress }: Machine): Promise<void> {
    const { site } = this.#options
    if (!staticAddress) return
    const { address } = staticAddress
    const [given, other] = [siteAddressOf({ macs }, site), otherClaimOn(address, { macs }, site)]
    if (other)
      this.#log.warn({ mac: id, address }, `${other} does not get ${address}: an installed system has it as static`)
    if (!given || given === address) return
    await this.record(id, { type: 'address-given-up', address, reason: `the site gives it ${given}` }, 'site')
  }
}
