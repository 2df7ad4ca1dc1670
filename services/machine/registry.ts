/** The fleet: every machine that was listed or seen, its events kept in the store, its state their fold. */
import { setImmediate } from 'node:timers/promises'
import type { Clock, Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import type { EventStore } from '../store/types.ts'
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
import { advance, BACK_WITHIN_MS, type Machine, newMachine } from './lifecycle.ts'
import { teaches, withoutPlaceholders } from './facts.ts'
import { Directory } from './find.ts'
import { eventOf, replay } from './fold.ts'
import { Heard } from './heard.ts'
import { forgottenRow, Partings, wasForgotten } from './forgotten.ts'
import { KnownMachines } from './known.ts'
import { machineLog } from './machine-log.ts'
import { entryOf, type Listing, listingOf } from './listing.ts'
import { type AttemptOrder, orderAttempt } from './order-attempt.ts'
import { INTRODUCING, Newcomers } from './newcomers.ts'
import { overdue } from './overdue.ts'
import { type Progress, withNews } from './progress.ts'
import { Repeats, weightOf } from './repeats.ts'
import { newAttemptId, type SecretPurpose } from './secrets.ts'
import { settle, settleAll } from './settle.ts'
import { Unwritten } from './unwritten.ts'

export type RegistryOptions = {
  site: Site
  store: EventStore
  key: Uint8Array
  clock: Clock
  log: Log
  onStep?: (what: string) => void
}

export type Sighting = Omit<Extract<Fact, { type: 'sighted' }>, 'type'>

export type Listener = (machine: Machine, event: MachineEvent) => void

/** Machines that are neither listed nor approved; a rack has a few dozen. */
export const STRANGERS_MOST = 2000

export class Registry {
  readonly #options: RegistryOptions
  readonly #log: Log
  readonly #known: KnownMachines
  readonly #directory: Directory
  readonly newcomers = new Newcomers()
  readonly partings = new Partings()
  readonly #repeats = new Repeats()
  readonly #heard: Heard
  readonly #progress = new Map<MachineId, Progress>()
  /** A machine is a new object whenever something about it changes, so what was worked out for the object holds. */
  #listings = new WeakMap<Machine, Listing>()
  readonly #listeners = new Set<Listener>()
  readonly #unwritten = new Unwritten()
  /** Those that are being forgotten: what is said of them waits until that is done. */
  readonly #leaving = new Map<MachineId, Promise<unknown>>()
  readonly #stopHearing: () => void
  #lastSeq = 0

  private constructor(options: RegistryOptions) {
    this.#options = options
    this.#log = machineLog(options.log, this, 'machine')
    this.#known = new KnownMachines(options.site, options.key)
    this.#directory = new Directory(this.#known, machine => this.listing(machine))
    this.#heard = new Heard(options.clock.now())
    this.#stopHearing = options.clock.onStep((_, now) => this.#heard.beginAnew(now))
  }

  /** Folds what the store holds, then adds the machines that the site lists and that were never seen. */
  static async open(options: RegistryOptions): Promise<Registry> {
    const registry = new Registry(options)
    await registry.newcomers.read(options.store)
    registry.#lastSeq = await replay(options.store, registry.#known, options.onStep)
    await settleAll(registry, options.site, registry.#log, setImmediate)
    // Thousands of names at once, while nobody waits for anything.
    registry.#directory.learn()
    return registry
  }

  /** The site is another one: at once for all that is decided. Resolves when every machine has what the file gives it, as after a restart. */
  useSite(): Promise<void> {
    this.#listings = new WeakMap()
    this.#known.use(this.#options.site)
    return settleAll(this, this.#options.site, this.#log, setImmediate)
  }

  /** Another number whenever any machine has changed: what was worked out for the same number still holds. */
  get version(): number {
    return this.#known.version
  }

  /** Of the last event that is on stable storage. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  machines(): Machine[] {
    return this.#known.all()
  }

  byId(id: MachineId): Machine | undefined {
    return this.#known.get(id)
  }

  byMac(mac: Mac): Machine | undefined {
    return this.#known.byMac(mac)
  }

  /** The machine whose installed system has this address written down. */
  byStaticAddress(address: Ipv4): Machine | undefined {
    return this.#known.byStaticAddress(address)
  }

  staticAddresses(): Iterable<Ipv4> {
    return this.#known.staticAddresses()
  }

  byAttempt(attempt: string): Machine | undefined {
    return this.#known.byAttempt(attempt)
  }

  /** By host name, FQDN, MAC in any spelling, serial number, or address: what a person may type. */
  find(query: string): Machine[] {
    return this.#directory.find(query)
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
    return Math.max(this.#heard.of(machine.id), machine.lastEventAt)
  }

  /** A sign of life that is not an event: part of a download, a repeated question. */
  heard(id: MachineId, progress?: Pick<Progress, 'file' | 'sent' | 'total'>): void {
    const at = this.#options.clock.now()
    this.#heard.hear(id, at)
    if (!progress) return
    this.#progress.set(id, withNews(this.#progress.get(id), progress, at))
  }

  /**
   * Whether a machine that nobody knows may become known. Every DISCOVER with an invented MAC would make one, so there is an end to it (C13);
   * machines beyond it still boot their disks.
   */
  admits(mac: Mac): boolean {
    return (
      this.#known.identities.ofMac(mac) !== undefined ||
      this.#known.neverApproved < STRANGERS_MOST + this.#options.site.machines.length
    )
  }

  /**
   * Who is this? Makes the machine known, or learns what is new about it; `site` says it came from the site file. The first MAC that is known
   * says who it is. A MAC of another machine stays with that one: what a machine says of itself must not make it a second machine.
   */
  async sight(said: Sighting, source: EventSource): Promise<Machine> {
    // Who is being forgotten is not known by what it was.
    if (this.#leaving.size > 0) await Promise.all(this.#leaving.values())
    const sighting = withoutPlaceholders(said)
    const known = sighting.macs.map(mac => this.byMac(mac)).find(machine => machine !== undefined)
    const id = known?.id ?? (sighting.macs[0] as MachineId)
    const macs = sighting.macs.filter(mac => (this.#known.identities.ofMac(mac) ?? id) === id)
    const holding = this.newcomers.holdingBack(macs, known)
    const held = holding && this.record(id, holding, 'site')
    const isNews =
      !known || (teaches(known, { ...sighting, macs }) && this.#repeats.hears(id, this.#options.clock.elapsed()))
    const written = isNews ? this.record(id, { type: 'sighted', ...sighting, macs }, source) : undefined
    const noted = this.#noteConflicts(id, sighting.macs, source)
    // Also where nothing is new about it: its address may be, and with it the rule that takes it.
    await Promise.all([held, written, noted, this.#settle(id)])
    // Forgotten just now, it is a new one, held.
    return this.#known.get(id) ?? newMachine(id, this.#options.clock.now())
  }

  /** What the machine claims that is another one's, if it posts these MACs. */
  conflictsOf(machine: Machine, macs: readonly Mac[] = machine.macs): Conflict[] {
    return conflictsOf(machine, macs, this.#known.identities, this, this.#options.site)
  }

  /** The same, of those that were found when it was seen: what stands between it and an approval by the site. */
  standingConflicts(machine: Machine, site: Site = this.#options.site): Conflict[] {
    return (machine.conflicts ?? []).filter(conflict => {
      const other = this.#known.get(conflict.with)
      return other !== undefined && isConflict(conflict, machine, other, site)
    })
  }

  /** Whether that site could not approve it, known or not: what it claims is another one's, or it may be no new machine. */
  isHeldBack(machine: Machine, site: Site): boolean {
    const isHeld = !this.#known.get(machine.id) && this.newcomers.holdingBack(machine.macs) !== undefined
    return isHeld || this.standingConflicts(machine, site).length > 0
  }

  /** Those that have noted a conflict with it. */
  claimantsOf({ id }: Machine): Machine[] {
    return this.#known.claimantsOf(id)
  }

  /**
   * Applies a fact at once and resolves with the event when it is on stable storage. Rejects when it could not be written; the fact is taken back
   * then, so that nothing is true of a machine that a restart would not know. A fact that changes nothing and was told just now is counted, not kept.
   */
  async record(id: MachineId, fact: Fact, source: EventSource): Promise<MachineEvent> {
    const leaving = this.#leaving.get(id)
    if (leaving) await leaving
    const { clock } = this.#options
    const at = clock.now()
    const before = this.#known.get(id)
    const step = advance(before ?? newMachine(id, at), { ...fact, at, source })
    const event: MachineEvent = { ...fact, at, source, ...(step.anomaly ? { anomaly: step.anomaly } : {}) }
    const words = describeFact(fact)
    if (!before && !INTRODUCING.has(fact.type)) {
      this.#log.warn(fieldsOf(id, event), `of a machine that is not known any more: ${words}`)
      return { ...event, anomaly: 'the machine is not known any more' }
    }
    const isKept =
      fact.type === 'repeated' || this.#repeats.keeps(id, weightOf(before, step.machine), words, clock.elapsed())
    const level = step.anomaly ? 'warn' : levelOf(fact)
    // It is true from here on, and the line says its name by it.
    const kept = isKept ? this.#append(id, step.machine, event) : this.heard(id)
    this.#log[isKept ? level : 'debug'](fieldsOf(id, event), words)
    await kept
    return event
  }

  async #append(id: MachineId, machine: Machine, event: MachineEvent): Promise<void> {
    const { at, source, ...body } = event
    const before = this.#known.get(id)
    this.#keep(machine)
    // An operator's order is a new beginning, also for what is counted.
    if (event.type === 'attempt-started' && !event.anomaly) this.#repeats.forget(id)
    const row = { machine: id, at, source, type: event.type, body: JSON.stringify(body) }
    const write = this.#options.store.append(row)
    this.#unwritten.add(id, before, event, write)
    try {
      event.seq = await write
    } catch (error) {
      const kept = this.#unwritten.failed(id, event, write)
      if (kept) this.#keep(kept)
      else this.#known.remove(id)
      // What was not kept is no reason to count the next one away.
      this.#repeats.forget(id)
      throw error
    }
    this.#lastSeq = Math.max(this.#lastSeq, event.seq)
    this.#unwritten.written(id, event, write)
    for (const listener of this.#listeners) listener(this.#known.get(id)!, event)
  }

  /** For a fact that nobody can wait for, such as one about a packet: that it could not be written is in the log. */
  inBackground(mac: Mac, write: Promise<unknown>): void {
    write.catch((error: unknown) => this.#log.error({ mac, error: String(error) }, 'an event could not be kept'))
  }

  /** Starts an attempt, or says why it can't. */
  async startAttempt({ id }: Machine, order: AttemptOrder): Promise<AttemptId | Problem> {
    const { site, clock } = this.#options
    const machine = this.#known.get(id)
    if (!machine) return wasForgotten(id)
    const attempt = newAttemptId(id => this.#known.byAttempt(id) !== undefined)
    const fact = orderAttempt({ machine, listing: this.listing(machine) }, order, { attempt, at: clock.now(), site })
    if ('code' in fact) return fact
    await this.record(id, fact, order.by)
    return attempt
  }

  token(attempt: AttemptId, purpose: SecretPurpose): string {
    return this.#known.token(attempt, purpose)
  }

  /** The machine whose latest attempt this token belongs to. Only hashes are compared. */
  byToken(token: string, purpose: SecretPurpose): Machine | undefined {
    return this.#known.byToken(token, purpose)
  }

  async timeline(id: MachineId, after: number, most: number): Promise<MachineEvent[]> {
    return (await this.#options.store.timeline(id, after, most)).map(eventOf)
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
    for (const { id } of this.machines()) {
      // While the one before it was written, it may have come back.
      const machine = this.#known.get(id)
      const event = machine && overdue(machine, now, this.#heard.silentSince(id), site.boot.stallAfterMs)
      const tooEarly = event?.type === 'installation-inferred' && now - this.#heard.since <= BACK_WITHIN_MS
      if (event && !tooEarly) await this.record(id, event, 'clock')
    }
    await this.#tellRepeats(clock.elapsed())
  }

  /** What was only counted so far is told. */
  close(): Promise<void> {
    this.#stopHearing()
    return this.#tellRepeats(Number.POSITIVE_INFINITY)
  }

  async #tellRepeats(until: number): Promise<void> {
    for (const { id, fact } of this.#repeats.due(until)) await this.record(id, fact, 'clock')
  }

  /** Snapshots of all machines that changed since the last ones, as the store knows them up to `lastSeq`, for who writes them. */
  takeSnapshots(): KnownMachines {
    this.#known.takeSnapshots(this.#unwritten)
    return this.#known
  }

  /**
   * Everything about a machine goes, but for one line that says who wanted it when; what it says from then on is that of a new one. Rejects when
   * that could not be written: nothing is gone then. Whether it may be forgotten is for the caller to know (forget.ts).
   */
  async forget(machine: Machine, by: string): Promise<void> {
    const { id } = machine
    const ready = this.#unwritten.settled(id).then(() => this.partings.lookOnceMore())
    const left = ready.then(() => this.#forgetNow(id, by))
    this.#leaving.set(
      id,
      left.catch(() => undefined),
    )
    await left.finally(() => this.#leaving.delete(id))
    const entry = entryOf(machine, this.#options.site)
    if (entry) await this.sight({ macs: entry.macs }, 'site')
  }

  async #forgetNow(id: MachineId, by: string): Promise<void> {
    const machine = this.#known.get(id)
    if (!machine) return
    const row = forgottenRow(machine, this.titleOf(machine), this.#options.clock.now(), by)
    this.#known.remove(id)
    try {
      await this.#options.store.forget(row)
    } catch (error) {
      this.#keep(machine)
      throw error
    }
    this.newcomers.forget(row)
    this.#repeats.forget(id)
    this.#heard.forget(id)
    this.#progress.delete(id)
    this.#log.warn({ mac: id, machine: row.name, by, event: 'forgotten' }, `${by} had ${row.name} forgotten`)
    this.partings.tell(machine)
  }

  #keep(machine: Machine): void {
    if (this.#known.put(machine)) this.#progress.delete(machine.id)
  }

  /** A conflict is told once: whoever approves the machine after that has seen it. */
  async #noteConflicts(id: MachineId, macs: readonly Mac[], source: EventSource): Promise<void> {
    const machine = this.#known.get(id)!
    const conflicts = this.conflictsOf(machine, macs).filter(conflict => !isNoted(machine, conflict))
    if (conflicts.length > 0) await this.record(id, { type: 'identity-conflicted', conflicts }, source)
  }

  #settle(id: MachineId): Promise<void> {
    return settle(this, id, this.#options.site, this.#log)
  }
}
