/**
 * Tells the targets of the site what became of installations. What has to be told is written down with the event that it is about, and stays so until
 * the target took it; what happened while the process was down is found by the number of the last event that was looked at. At least once, in the order
 * of each machine, and no target waits for another.
 */
import type { Alarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { repeat } from '../kit/repeat.ts'
import type { MachineEvent } from '../machine/event.ts'
import type { Registry } from '../machine/registry.ts'
import type { Site, WebhookTarget } from '../site/types.ts'
import { shownUrl } from '../site/urls.ts'
import type { EventStore, OutboxCount, OutboxRow, OutboxStore } from '../store/types.ts'
import { collectFor } from './collect.ts'
import { TOLD_TYPES } from './message.ts'
import type { OutboxCounts } from './counts.ts'
import type { Post } from './post.ts'
import { FAILING_AFTER_MS, FORGET_AFTER_MS, isTooOld, ROWS_MOST, waitAfter } from './schedule.ts'
import { targetId } from './sign.ts'

export type OutboxOptions = {
  site: Pick<Site, 'name' | 'domain' | 'webhooks'>
  registry: Pick<Registry, 'listing' | 'subscribe' | 'partings'>
  events: Pick<EventStore, 'timeline'>
  store: OutboxStore
  post: Post
  alarms: Pick<Alarms, 'raise' | 'end'>
  counts?: OutboxCounts
  clock: Clock
  log: Log
  /** In [0, 1). */
  chance: () => number
}

/** How often it is looked whether something is due. */
const LOOK_MS = 1_000
/** Messages to one target at a time, each about another machine. */
const AT_A_TIME = 4
const PRUNE_MS = 3_600_000

export type TargetView = OutboxCount & { number: number; url: string; events: string[] }

/** What goes to one target. `number` is its place in the site file, from 1. */
class Mailbox {
  target: WebhookTarget
  readonly id: string
  number: number
  readonly #options: OutboxOptions
  readonly #sending = new Map<number, Promise<void>>()
  /** How tries ended that could not be written down, by row: none is sent again until it is. */
  readonly #unwritten = new Map<number, () => Promise<unknown>>()
  #isNews = false
  #collected: Promise<void> = Promise.resolve()
  /** Of the count that nobody sets. */
  #prunedAt = Number.NEGATIVE_INFINITY

  constructor(options: OutboxOptions, target: WebhookTarget, number: number) {
    this.#options = options
    this.target = target
    this.id = targetId(target.url)
    this.number = number
  }

  get title(): string {
    return `webhook ${this.number} (${shownUrl(this.target.url)})`
  }

  get #inHand(): number {
    return this.#sending.size + this.#unwritten.size
  }

  /** Another place in the site file, other events or files. */
  renumber(target: WebhookTarget, number: number): void {
    if (this.number !== number) this.endAlarm()
    this.target = target
    this.number = number
  }

  endAlarm(): void {
    this.#options.alarms.end('webhook-failing', this.title)
  }

  hear(type: MachineEvent['type']): void {
    this.#isNews ||= TOLD_TYPES.includes(type)
  }

  async look(): Promise<void> {
    await this.#writeWhatIsLeft()
    if (this.#isNews) await this.collect()
    await this.prune()
    await this.send()
  }

  /** Writes down what there is to tell since the last look, also for who asks while that is done. */
  collect(): Promise<void> {
    this.#collected = this.collected().then(async () => {
      // What can't be written down now is looked for again.
      this.#isNews = false
      await collectFor(this.target, this.#options).catch((error: unknown) => {
        this.#isNews = true
        throw error
      })
    })
    return this.#collected
  }

  /** Resolves when what was being written down is, or can't be. */
  collected(): Promise<void> {
    return this.#collected.catch(() => undefined)
  }

  /** Begins what is due, as far as there is room. */
  async send(): Promise<void> {
    const { store, clock } = this.#options
    const rows = await store.due(this.id, clock.now(), AT_A_TIME + this.#inHand)
    for (const row of rows) {
      if (this.#inHand >= AT_A_TIME) return
      if (this.#sending.has(row.id) || this.#unwritten.has(row.id)) continue
      const sending = this.#try(row).finally(() => this.#sending.delete(row.id))
      this.#sending.set(row.id, sending)
      sending.catch((error: unknown) =>
        this.#options.log.error({ mac: row.machine, error: String(error) }, `${this.title}: ${row.key}`),
      )
    }
  }

  async #try(row: OutboxRow): Promise<void> {
    const { store, clock, post } = this.#options
    // While it is on the wire, the clock may be set.
    const startedAt = clock.now()
    const { event, key, body } = row
    const outcome = await post(this.target, { event, key, body })
    if (outcome.taken) {
      this.#noteTaken(row, outcome.status)
      return this.#writeDown(row, () => store.delivered(row.id))
    }
    const { error } = outcome
    const tries = row.tries + 1
    // Never sooner than by itself: a target that asks for a second is asked no more often than others.
    const waitMs = Math.max(waitAfter(tries, this.#options.chance()), outcome.waitMs ?? 0)
    // Not before it was tried: the process may have been down for days, or another message of the machine in its way.
    const isLast = isTooOld(row.createdAt, startedAt)
    this.#options.log.debug({ mac: row.machine, key, tries, waitMs }, `${this.title}: ${error}`)
    if (startedAt - row.createdAt >= FAILING_AFTER_MS) this.#complain(error)
    if (isLast) this.#noteGivenUp(row)
    else this.#options.counts?.tried(this.number, 'failed')
    return this.#writeDown(row, async () => {
      const now = clock.now()
      const failed = store.failed({ id: row.id, tries, nextAt: now + waitMs, error })
      await Promise.all([failed, isLast ? store.giveUp(row.id, now) : undefined])
    })
  }

  async #writeDown({ id }: OutboxRow, write: () => Promise<unknown>): Promise<void> {
    try {
      await write()
    } catch (error) {
      this.#unwritten.set(id, write)
      throw error
    }
  }

  async #writeWhatIsLeft(): Promise<void> {
    for (const [id, write] of this.#unwritten) {
      await write()
      this.#unwritten.delete(id)
    }
  }

  #noteTaken(row: OutboxRow, status: number): void {
    const { alarms, log, counts } = this.#options
    counts?.tried(this.number, 'taken')
    alarms.end('webhook-failing', this.title)
    log.info({ mac: row.machine, key: row.key, status }, `${this.title} took ${row.event}`)
  }

  #complain(error: string): void {
    const message = `${this.title} takes nothing: ${error}`
    const hint = `mend that; what waits is sent within a quarter of an hour, or at once by \`rackrise webhook retry ${this.number}\``
    const { alarms, log } = this.#options
    const trouble = { code: 'webhook-failing', subject: this.title, severity: 'alarm', message, hint } as const
    if (alarms.raise(trouble, Number.POSITIVE_INFINITY)) log.warn({ reason: trouble.code, hint }, message)
  }

  #noteGivenUp(row: OutboxRow): void {
    const { log, counts } = this.#options
    counts?.tried(this.number, 'given-up')
    const hint = `\`rackrise webhook retry ${this.number}\` sends it again`
    log.warn(
      { mac: row.machine, reason: 'webhook-given-up', key: row.key, hint },
      `${this.title} did not take ${row.event} for three days`,
    )
  }

  #noteDropped(rows: number): void {
    const hint = 'mend the target; what it missed is in `rackrise machine list`'
    this.#options.log.warn(
      { reason: 'webhook-given-up', hint },
      `${this.title} has more than ${ROWS_MOST} messages: the oldest are gone, ${rows} of them`,
    )
  }

  async prune(): Promise<void> {
    const { store, clock } = this.#options
    const elapsed = clock.elapsed()
    if (elapsed - this.#prunedAt < PRUNE_MS) return
    this.#prunedAt = elapsed
    const { pending, givenUp } = await store.count(this.id)
    const beyond = pending + givenUp - ROWS_MOST
    if (beyond > 0) this.#noteDropped(beyond)
    await store.prune(this.id, clock.now() - FORGET_AFTER_MS, ROWS_MOST)
  }

  async retry(): Promise<void> {
    await this.#options.store.retry(this.id, this.#options.clock.now())
    await this.send()
  }

  async view(): Promise<TargetView> {
    const { url, events } = this.target
    return { number: this.number, url: shownUrl(url), events, ...(await this.#options.store.count(this.id)) }
  }

  /** What is on the wire ends by itself, in ten seconds at most; its outcome is still written down. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#sending.values())
  }

  /** Its target is gone. */
  async end(): Promise<void> {
    await this.settle()
    this.endAlarm()
  }
}

export class Outbox {
  readonly #options: OutboxOptions
  #mailboxes: Mailbox[] = []
  /** How each stops to look. */
  readonly #stops = new Map<Mailbox, () => unknown>()
  #moved: Promise<void> = Promise.resolve()
  #stopHearing: () => unknown = () => {}
  readonly #stopParting: () => unknown
  readonly #failed = (error: unknown): void =>
    this.#options.log.error({ error: String(error) }, 'the outbox could not be looked at')

  private constructor(options: OutboxOptions) {
    this.#options = options
    this.#stopParting = options.registry.partings.before(async () => {
      await Promise.all(this.#mailboxes.map(mailbox => mailbox.collect()))
    })
  }

  static async open(options: OutboxOptions): Promise<Outbox> {
    const outbox = new Outbox(options)
    const { store, clock } = options
    // What waits is neither old nor put off because the clock was set.
    outbox.#stopHearing = clock.onStep(byMs => {
      // At once: who is the first to hear of the step writes an instant down next, by the new clock.
      outbox.#moved = Promise.all([outbox.#moved, store.shift(byMs)]).then(() => undefined, outbox.#failed)
    })
    await outbox.useSite()
    return outbox
  }

  /**
   * The targets of the site as it is now. One that is still there, by its URL, goes on with what waits for it; what waits for one that is gone goes with it;
   * a new one is told what happens from here on.
   */
  async useSite(): Promise<void> {
    const { site, store } = this.#options
    const before = new Map(this.#mailboxes.map(mailbox => [mailbox.id, mailbox]))
    this.#mailboxes = site.webhooks.map((target, at) => {
      const mailbox = before.get(targetId(target.url)) ?? new Mailbox(this.#options, target, at + 1)
      mailbox.renumber(target, at + 1)
      return mailbox
    })
    const gone = [...before.values()].filter(mailbox => !this.#mailboxes.includes(mailbox))
    await Promise.all(gone.map(mailbox => this.#stopLooking(mailbox)))
    await store.follow(this.#mailboxes.map(({ id }) => id))
    for (const mailbox of this.#mailboxes) if (!this.#stops.has(mailbox)) await this.#start(mailbox)
    await Promise.all(gone.map(mailbox => mailbox.end()))
  }

  async #start(mailbox: Mailbox): Promise<void> {
    const { registry, clock } = this.#options
    const unsubscribe = registry.subscribe((_, { type }) => mailbox.hear(type))
    this.#stops.set(mailbox, unsubscribe)
    await mailbox.collect()
    const look = (): Promise<void> => {
      // Here at the latest a step is heard of, and all rows are moved before one is looked at.
      clock.now()
      return this.#moved.then(() => mailbox.look())
    }
    const stop = repeat(clock, LOOK_MS, look, this.#failed)
    this.#stops.set(mailbox, () => {
      unsubscribe()
      return stop()
    })
  }

  async #stopLooking(mailbox: Mailbox): Promise<void> {
    await this.#stops.get(mailbox)?.()
    await mailbox.collected()
    this.#stops.delete(mailbox)
  }

  views(): Promise<TargetView[]> {
    return Promise.all(this.#mailboxes.map(mailbox => mailbox.view()))
  }

  /** Sends everything of one target, or of all, at once; false if there is no such target. */
  async retry(number?: number): Promise<boolean> {
    const chosen = this.#mailboxes.filter(mailbox => number === undefined || mailbox.number === number)
    await Promise.all(chosen.map(mailbox => mailbox.retry()))
    return chosen.length > 0
  }

  async close(): Promise<void> {
    this.#stopHearing()
    this.#stopParting()
    await Promise.all([...this.#stops.values()].map(stop => stop()))
    await Promise.all(this.#mailboxes.map(mailbox => mailbox.settle()))
  }
}
