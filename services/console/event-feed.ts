/**
 * What happens, for everybody who watches: events of machines as they are written, progress of downloads twice a second, and what else is worth fetching
 * again. Each piece of news becomes text once, however many read it; who reads too slowly is dropped, and comes back with the number of the last event.
 */
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { MachineEvent, MachineId } from '../machine/event.ts'
import { eventOf } from '../machine/fold.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Progress } from '../machine/progress.ts'
import type { Registry } from '../machine/registry.ts'
import type { Work, WorkList } from '../kit/work.ts'
import type { EventStore } from '../store/types.ts'
import { viewEvent, viewProgress } from './machine-view.ts'
import { type ReloadSource, viewSiteNews } from './reload-api.ts'
import type { MachineView } from './schema/machine.ts'
import { viewWork } from './work-view.ts'

/** Who reads: a connection. */
export type Reader = {
  write(frame: Uint8Array): void
  /** Octets that were written and not taken yet. */
  backlog(): number
  /** Ends it, whatever is still on its way. */
  cut(): void
}

/** Something to be fetched again when its mark changes. It is looked at while somebody reads. */
export type Topic = { what: 'alarms' | 'isos' | 'leases' | 'webhooks' | 'machines'; mark: () => unknown }

export type FeedOptions = {
  registry: Registry
  events: Pick<EventStore, 'page' | 'newest'>
  /** How a machine is shown. */
  view: (machine: Machine) => MachineView
  work: Pick<WorkList, 'list'>
  topics: readonly Topic[]
  /** Who loads the site file again. */
  reloading: Pick<ReloadSource, 'latest' | 'subscribe'>
  version: string
  clock: Clock
  log: Log
}

/** Progress of one machine, or of one piece of long work, is told at most this often; topics are looked at every fourth time. */
export const TICK_MS = 500
export const TOPICS_EVERY_TICKS = 4
/** A comment, so that proxies and browsers know that the stream is alive. */
export const HEARTBEAT_MS = 15_000
/** Fetching a thousand machines again costs less than hearing of more events than this. */
export const MISSED_MOST = 1_000
/** What a reader may leave untaken: a replay of all that, and the news of a busy rack meanwhile. */
export const BACKLOG_BYTES = 4 * 1024 * 1024
export const READERS_MOST = 64

type State = {
  reader: Reader
  /** The number of the last event that it was told. */
  seq: number
  /** What happened while it is told what it missed; undefined once it is up to date. */
  held: [seq: number | undefined, frame: Uint8Array][] | undefined
}

const encoder = new TextEncoder()

function frameOf(event: string, data: unknown, id?: number): Uint8Array {
  return encoder.encode(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)
}

export class EventFeed {
  readonly #options: FeedOptions
  readonly #readers = new Set<State>()
  readonly #progress = new Map<MachineId, Progress>()
  readonly #marks = new Map<string, string>()
  /** As it was told last. */
  #works: readonly Work[] = []
  #stop: (() => void) | undefined
  #ticks = 0
  #quietSince = 0

  constructor(options: FeedOptions) {
    this.#options = options
  }

  get readers(): number {
    return this.#readers.size
  }

  /**
   * Tells a reader where it is, then what it missed since the event with the number `after`, then everything as it happens.
   * @returns how to end it
   */
  async add(reader: Reader, after?: number): Promise<() => void> {
    const { events, version, reloading } = this.#options
    const state: State = { reader, seq: 0, held: [] }
    this.#readers.add(state)
    if (this.#readers.size === 1) this.#start()
    try {
      const newest = await events.newest()
      state.seq = after ?? newest
      this.#write(state, frameOf('hello', { seq: newest, version, site: viewSiteNews(reloading.latest) }, state.seq))
      // What ended is in what is fetched.
      for (const work of this.#options.work.list()) if (!work.end) this.#write(state, this.#frameOfWork(work))
      if (after !== undefined && after !== newest) await this.#replay(state, after, newest)
    } catch (error) {
      this.#drop(state)
      throw error
    }
    const held = state.held ?? []
    state.held = undefined
    for (const [seq, frame] of held) this.#tell(state, frame, seq)
    return () => this.#drop(state)
  }

  close(): void {
    for (const state of [...this.#readers]) this.#cut(state)
  }

  /** What was missed can't be told where it is too much, was deleted meanwhile, or is of another life of this state. */
  async #replay(state: State, after: number, newest: number): Promise<void> {
    const { events, registry, view } = this.#options
    const missed = newest - after
    const rows = missed > 0 && missed <= MISSED_MOST ? await events.page(after, missed) : []
    if (missed < 0 || rows.length !== missed) {
      state.seq = newest
      return this.#write(state, frameOf('reset', {}, newest))
    }
    for (const row of rows) {
      const machine = registry.byMac(row.machine as MachineId)
      state.seq = row.seq
      if (machine)
        this.#write(state, frameOf('machine', { machine: view(machine), event: viewEvent(eventOf(row)) }, row.seq))
    }
  }

  #start(): void {
    const { registry, clock, reloading } = this.#options
    for (const machine of registry.machines()) {
      const progress = registry.progress(machine)
      if (progress) this.#progress.set(machine.id, progress)
    }
    this.#works = this.#options.work.list()
    for (const { what } of this.#options.topics) this.#marks.delete(what)
    this.#lookAtTopics()
    this.#quietSince = clock.now()
    const unsubscribe = registry.subscribe((machine, event) => this.#hear(machine, event))
    const stopHearing = reloading.subscribe(news => this.#tellAll(frameOf('site', viewSiteNews(news))))
    const tick = (): void => {
      cancel = clock.after(TICK_MS, tick)
      this.#tick()
    }
    let cancel = clock.after(TICK_MS, tick)
    this.#stop = () => {
      cancel()
      unsubscribe()
      stopHearing()
    }
  }

  #hear(machine: Machine, event: MachineEvent): void {
    const { seq } = event
    if (seq === undefined) return
    const data = { machine: this.#options.view(machine), event: viewEvent(event) }
    this.#tellAll(frameOf('machine', data, seq), seq)
  }

  #tick(): void {
    const { registry, clock } = this.#options
    for (const machine of registry.machines()) {
      const progress = registry.progress(machine)
      if (!progress || this.#progress.get(machine.id) === progress) continue
      this.#progress.set(machine.id, progress)
      const heardAt = new Date(registry.heardAt(machine)).toISOString()
      this.#tellAll(frameOf('progress', { id: machine.id, progress: viewProgress(progress), heardAt }))
    }
    this.#tellOfWork()
    this.#ticks += 1
    if (this.#ticks % TOPICS_EVERY_TICKS === 0) this.#lookAtTopics()
    if (clock.now() - this.#quietSince < HEARTBEAT_MS) return
    this.#quietSince = clock.now()
    this.#tellAll(encoder.encode(':\n\n'))
  }

  #tellOfWork(): void {
    const works = this.#options.work.list()
    for (const work of works) if (!this.#works.includes(work)) this.#tellAll(this.#frameOfWork(work))
    this.#works = works
  }

  #frameOfWork(work: Work): Uint8Array {
    return frameOf('work', viewWork(work, this.#options.clock.now()))
  }

  #lookAtTopics(): void {
    for (const { what, mark } of this.#options.topics) {
      const told = (value: unknown): void => {
        const now = JSON.stringify(value) ?? ''
        const before = this.#marks.get(what)
        this.#marks.set(what, now)
        if (before !== undefined && before !== now) this.#tellAll(frameOf('changed', { what }))
      }
      Promise.resolve()
        .then(mark)
        .then(told, (error: unknown) => this.#options.log.debug({ error: String(error) }, `${what} can't be looked at`))
    }
  }

  #tellAll(frame: Uint8Array, seq?: number): void {
    for (const state of [...this.#readers]) this.#tell(state, frame, seq)
  }

  #tell(state: State, frame: Uint8Array, seq?: number): void {
    if (state.held && state.held.length >= MISSED_MOST) return this.#cut(state)
    if (state.held) return void state.held.push([seq, frame])
    if (seq !== undefined && seq <= state.seq) return
    if (seq !== undefined) state.seq = seq
    this.#write(state, frame)
  }

  #write(state: State, frame: Uint8Array): void {
    if (!this.#readers.has(state)) return
    state.reader.write(frame)
    if (state.reader.backlog() > BACKLOG_BYTES) {
      this.#options.log.info({}, 'a reader of events was too slow and is dropped; it may come back')
      this.#cut(state)
    }
  }

  #cut(state: State): void {
    this.#drop(state)
    state.reader.cut()
  }

  #drop(state: State): void {
    if (!this.#readers.delete(state) || this.#readers.size > 0) return
    this.#stop?.()
    this.#stop = undefined
    this.#progress.clear()
  }
}
