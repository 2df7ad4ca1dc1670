/** A site out of TOML, events in memory and a fleet over both, on a clock that tests move. */
import type { Clock } from '../../services/kit/clock.ts'
import type { Log } from '../../services/kit/log.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId, Fact, MachineEvent } from '../../services/machine/event.ts'
import type { Machine } from '../../services/machine/lifecycle.ts'
import { Registry } from '../../services/machine/registry.ts'
import { parseSite } from '../../services/site/parse.ts'
import type { Site } from '../../services/site/types.ts'
import type {
  Checkpoint,
  EventRow,
  EventStore,
  ForgottenRow,
  NewEventRow,
  Restoration,
  SnapshotRow,
} from '../../services/store/types.ts'
import { FakeClock } from '../fake/clock.ts'
import { NO_INTERFACES, WITH_PROFILE } from '../site/sites.ts'

export const NODE1 = 'bc:24:11:ab:12:21' as Mac
export const NODE2 = 'bc:24:11:ab:12:22' as Mac
export const STRANGER = 'bc:24:11:ab:12:99' as Mac
export const KEY = new Uint8Array(32).fill(7)

export const LISTED = `[[machine]]
name = "node1"
mac = ["${NODE1}"]
address = "10.77.0.11"
profile = "pve"
`

/** What an attempt of node1 goes through. */
export const SCRIPT = (attempt: AttemptId): Fact => ({
  type: 'script-served',
  attempt,
  address: '10.77.0.11' as never,
  resumed: false,
})
export const ANSWER = (attempt: AttemptId): Fact => ({
  type: 'answer-served',
  attempt,
  address: '10.77.0.11',
  layers: [],
  sha256: '',
  leftOut: [],
  withToken: true,
})
export const REPORT = (attempt: AttemptId): Fact => ({
  type: 'reported',
  attempt,
  installed: { fqdn: 'node1.rack.test', hostKeys: [] },
})
export const TOLD_LOCAL = (attempt: AttemptId): Fact => ({ type: 'local-disk-told', attempt })

/** The right site with the profile `pve` and whatever is added. */
export function siteOf(more = LISTED, base = WITH_PROFILE): Site {
  const outcome = parseSite(`${base}${more}`, 'site.toml', NO_INTERFACES)
  if ('problems' in outcome) throw new Error(outcome.problems.map(({ message }) => message).join('; '))
  return outcome.site
}

/** Keeps events as a database does; with `broken` set it refuses to. */
export class MemoryEvents implements EventStore {
  readonly rows: EventRow[] = []
  broken: Error | undefined

  readonly kept: {
    checkpoint: Checkpoint | undefined
    snapshots: SnapshotRow[]
    forgotten: ForgottenRow[]
    restoration: Restoration | undefined
  } = {
    checkpoint: undefined,
    snapshots: [],
    forgotten: [],
    restoration: undefined,
  }
  #seq = 0

  /** Numbers go on as in the database that this one is a copy of. */
  continueAt(other: MemoryEvents): void {
    this.#seq = other.#seq
  }

  async append(event: NewEventRow): Promise<number> {
    // A database is not done in the same turn.
    await Promise.resolve()
    if (this.broken) throw this.broken
    const seq = ++this.#seq
    this.rows.push({ ...event, seq })
    return seq
  }

  async timeline(machine: string, after: number, most: number): Promise<EventRow[]> {
    return this.rows.filter(row => row.machine === machine && row.seq > after).slice(0, most)
  }

  async page(after: number, most: number): Promise<EventRow[]> {
    return this.rows.filter(row => row.seq > after).slice(0, most)
  }

  async newest(): Promise<number> {
    return this.rows.at(-1)?.seq ?? 0
  }

  async remove(seqs: readonly number[]): Promise<void> {
    if (this.broken) throw this.broken
    this.#drop(row => seqs.includes(row.seq))
  }

  async checkpoint(): Promise<Checkpoint | undefined> {
    return this.kept.checkpoint
  }

  async snapshots(after: number, most: number): Promise<(SnapshotRow & { place: number })[]> {
    return this.kept.snapshots.map((row, at) => ({ ...row, place: at + 1 })).slice(after, after + most)
  }

  async putSnapshots(rows: readonly SnapshotRow[]): Promise<void> {
    if (this.broken) throw this.broken
    for (const row of rows) {
      const at = this.kept.snapshots.findIndex(({ machine }) => machine === row.machine)
      if (at === -1) this.kept.snapshots.push(row)
      else this.kept.snapshots[at] = row
    }
  }

  async putCheckpoint(checkpoint: Checkpoint): Promise<void> {
    if (this.broken) throw this.broken
    this.kept.checkpoint = checkpoint
  }

  async forgotten(): Promise<ForgottenRow[]> {
    return this.kept.forgotten
  }

  async restoration(): Promise<Restoration | undefined> {
    return this.kept.restoration
  }

  async forget(row: ForgottenRow): Promise<void> {
    await Promise.resolve()
    if (this.broken) throw this.broken
    this.#drop(({ machine }) => machine === row.machine)
    this.kept.snapshots = this.kept.snapshots.filter(({ machine }) => machine !== row.machine)
    this.kept.forgotten.push(row)
  }

  #drop(isGone: (row: EventRow) => boolean): void {
    const left = this.rows.filter(row => !isGone(row))
    this.rows.splice(0, this.rows.length, ...left)
  }

  typesOf(machine: string): string[] {
    return this.rows.filter(row => row.machine === machine).map(({ type }) => type)
  }
}

export class HeardLog implements Log {
  readonly lines: string[] = []
  readonly #write =
    (level: string) =>
    (_: unknown, message: string): void =>
      void this.lines.push(`${level} ${message}`)
  readonly debug = this.#write('debug')
  readonly info = this.#write('info')
  readonly warn = this.#write('warn')
  readonly error = this.#write('error')

  of(level: string): string[] {
    return this.lines.filter(line => line.startsWith(`${level} `))
  }
}

/** The clock of that fleet, whose pauses are over at once. */
export const patient = ({ clock }: Pick<Fleet, 'clock'>): Clock => ({
  now: () => clock.now(),
  elapsed: () => clock.elapsed(),
  onStep: hear => clock.onStep(hear),
  after: (_, run) => {
    queueMicrotask(run)
    return () => {}
  },
})

export class Fleet {
  readonly store = new MemoryEvents()
  readonly clock = new FakeClock()
  readonly log = new HeardLog()
  site: Site
  registry!: Registry

  constructor(site: Site) {
    this.site = site
  }

  static async open(site: Site = siteOf()): Promise<Fleet> {
    return new Fleet(site).restart()
  }

  /** The process ends and another one begins, perhaps with another site file. */
  async restart(site = this.site): Promise<this> {
    this.site = site
    const { store, clock, log } = this
    this.registry = await Registry.open({ site, store, key: KEY, clock, log })
    return this
  }

  machine(mac: Mac): Machine {
    return this.registry.byMac(mac)!
  }

  /** Facts a second apart, about the machine with that MAC and its latest attempt. */
  async happen(mac: Mac, ...facts: (Fact | ((attempt: never) => Fact))[]): Promise<MachineEvent[]> {
    const events: MachineEvent[] = []
    for (const fact of facts) {
      this.clock.advance(1000)
      const { id, attempt } = this.machine(mac)
      events.push(
        await this.registry.record(id, typeof fact === 'function' ? fact(attempt?.id as never) : fact, 'http'),
      )
    }
    return events
  }
}
