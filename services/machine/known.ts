/** Every machine as it is now, and how it is found: by MAC, attempt, token, static address. Pure: it keeps nothing but memory. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Site } from '../site/types.ts'
import { Claimants } from './claimants.ts'
import type { AttemptId, MachineId } from './event.ts'
import { Identities } from './identities.ts'
import type { Machine } from './lifecycle.ts'
import { attemptToken, hashToken, type SecretPurpose } from './secrets.ts'
import { StaticAddresses } from './static-addresses.ts'
import type { Unwritten } from './unwritten.ts'

const PURPOSES: readonly SecretPurpose[] = ['answer', 'webhook', 'first-boot', 'bearer']

/** A machine as it was at one instant, and which of its identities were its own. */
export type Taken = { machine: Machine; holds: string }

export class KnownMachines {
  readonly #key: Uint8Array
  readonly #machines = new Map<MachineId, Machine>()
  readonly #byToken = new Map<string, MachineId>()
  readonly #byAttempt = new Map<AttemptId, MachineId>()
  readonly #statics = new StaticAddresses()
  readonly #claimants = new Claimants()
  readonly identities: Identities
  /** How many machines were never approved: listed ones, and those that anybody on the VLAN can invent. */
  neverApproved = 0
  /** Another number whenever any machine has changed. */
  version = 0
  /** Those that changed since their last snapshot was taken. */
  readonly #changed = new Set<MachineId>()
  /** Those that changed, or went, since somebody asked which. */
  readonly #news = new Set<MachineId>()
  /** Snapshots that were taken and are not written yet. */
  readonly #taken = new Map<MachineId, Taken>()

  constructor(site: Pick<Site, 'machines'>, key: Uint8Array) {
    this.identities = new Identities(site)
    this.#key = key
  }

  all(): Machine[] {
    return [...this.#machines.values()]
  }

  get(id: MachineId): Machine | undefined {
    return this.#machines.get(id)
  }

  byMac(mac: Mac): Machine | undefined {
    const id = this.identities.ofMac(mac)
    return id && this.#machines.get(id)
  }

  byStaticAddress(address: Ipv4): Machine | undefined {
    const id = this.#statics.holderOf(address)
    return id && this.#machines.get(id)
  }

  staticAddresses(): Iterable<Ipv4> {
    return this.#statics.addresses()
  }

  /** Those that have noted a conflict with it. */
  claimantsOf(id: MachineId): Machine[] {
    return [...this.#claimants.of(id)].map(other => this.#machines.get(other)!)
  }

  /** Which machines have changed or are gone since this was last asked. */
  takeNews(): MachineId[] {
    const news = [...this.#news]
    this.#news.clear()
    return news
  }

  byAttempt(attempt: string): Machine | undefined {
    const id = this.#byAttempt.get(attempt as AttemptId)
    return id && this.#machines.get(id)
  }

  /** Only hashes are compared. */
  byToken(token: string, purpose: SecretPurpose): Machine | undefined {
    const id = this.#byToken.get(`${purpose}:${hashToken(token)}`)
    return id && this.#machines.get(id)
  }

  token(attempt: AttemptId, purpose: SecretPurpose): string {
    return attemptToken(this.#key, attempt, purpose)
  }

  /** A machine that is new or has changed. Returns whether its latest attempt is another one. */
  put(machine: Machine): boolean {
    const before = this.#set(machine)
    this.identities.follow(before, machine)
    return this.#followAttempt(before, machine)
  }

  /** As it was kept, with the identities that were its own then. */
  restore(machine: Machine, holds: string): void {
    this.#followAttempt(this.#set(machine), machine)
    this.identities.restore(machine, holds)
    this.#changed.delete(machine.id)
  }

  /** Takes a snapshot of every machine that has changed, as the store knows it; what is still on its way is for the next one. */
  takeSnapshots(unwritten: Pick<Unwritten, 'has' | 'stored'>): void {
    for (const id of this.#changed) {
      const machine = unwritten.stored(this.#machines.get(id)!)
      if (!unwritten.has(id)) this.#changed.delete(id)
      if (machine) this.#taken.set(id, { machine, holds: this.identities.holdsOf(machine) })
    }
  }

  /** Some of the snapshots that are to be written, which are nobody else's then. A machine that was removed meanwhile has none. */
  nextSnapshots(most: number): Taken[] {
    const next = [...this.#taken.values().take(most)]
    for (const { machine } of next) this.#taken.delete(machine.id)
    return next
  }

  /** They could not be written: another one is due of each, and of all others that were taken. */
  missSnapshots(missed: readonly Taken[]): void {
    for (const { machine } of [...missed, ...this.#taken.values()])
      if (this.#machines.has(machine.id)) this.#changed.add(machine.id)
    this.#taken.clear()
  }

  /**
   * The site is another one: whatever was worked out for a machine by the one before is worked out anew, since each is a new object. What is written down
   * about machines does not change by that.
   */
  use(site: Pick<Site, 'machines'>): void {
    this.identities.use(site)
    this.version += 1
    for (const [id, machine] of this.#machines) {
      this.#machines.set(id, { ...machine })
      this.#news.add(id)
    }
  }

  remove(id: MachineId): void {
    const before = this.#machines.get(id)
    if (!before) return
    this.version += 1
    if (before.attempts === 0) this.neverApproved -= 1
    this.identities.follow(before, undefined)
    this.#statics.follow(before, undefined)
    this.#claimants.follow(before, undefined)
    this.#news.add(id)
    this.#followAttempt(before, undefined)
    this.#machines.delete(id)
    this.#changed.delete(id)
    this.#taken.delete(id)
  }

  #set(machine: Machine): Machine | undefined {
    const before = this.#machines.get(machine.id)
    this.version += 1
    if (machine.attempts === 0 && !before) this.neverApproved += 1
    if (machine.attempts > 0 && before?.attempts === 0) this.neverApproved -= 1
    this.#machines.set(machine.id, machine)
    this.#changed.add(machine.id)
    this.#statics.follow(before, machine)
    this.#claimants.follow(before, machine)
    this.#news.add(machine.id)
    return before
  }

  #followAttempt(before: Machine | undefined, after: Machine | undefined): boolean {
    if (before?.attempt?.id === after?.attempt?.id) return false
    if (before?.attempt) {
      this.#byAttempt.delete(before.attempt.id)
      for (const key of this.#tokenKeys(before.attempt.id)) this.#byToken.delete(key)
    }
    if (after?.attempt) {
      this.#byAttempt.set(after.attempt.id, after.id)
      for (const key of this.#tokenKeys(after.attempt.id)) this.#byToken.set(key, after.id)
    }
    return true
  }

  #tokenKeys(attempt: AttemptId): string[] {
    return PURPOSES.map(purpose => `${purpose}:${hashToken(this.token(attempt, purpose))}`)
  }
}
