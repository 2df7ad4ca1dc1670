/**
 * All writes of one event-loop turn share one transaction and one fsync; each caller hears when its own is durable. The disk is waited for in a
 * thread of its own (M08), and what comes while it is busy, or just was, makes up the next transaction: the greater the hurry, the more share a
 * flush.
 */
import { Worker } from 'node:worker_threads'
import { programModule } from '../kit/program-files.ts'
import type { Outcome, ThreadData, Write } from './commit-thread.ts'
import type { StoreCounts } from './counts.ts'

/**
 * From the beginning of one transaction to that of the next at least. A single write after a pause does not wait; a rack that is switched on shares
 * its flushes, each of which costs a system call, two messages between threads and a place in the queue of the disk: with 2 an exchange took a
 * quarter more of the processor, with 10 the wait was longer and nothing was gained.
 */
const BETWEEN_MS = 5
const MS_PER_SECOND = 1000

type Waiting = { write: Write; resolve: (row: number) => void; reject: (error: unknown) => void }

/** What was to be written is not: the disk is full, gone or read-only, or the database is damaged. */
export class WriteFailure extends Error {
  override readonly name = 'WriteFailure'
}

export class TurnWriter {
  readonly #data: ThreadData
  readonly #counts: StoreCounts | undefined
  /** Started by the first write: commands that only read have no use for it. */
  #thread: Worker | undefined
  #waiting: Waiting[] = []
  #committing: Waiting[] = []
  #idle: (() => void)[] = []
  #beganAt = Number.NEGATIVE_INFINITY
  /** When the last one began that somebody waited for: after upkeep alone, a lease has nobody to share with. */
  #hurriedAt = Number.NEGATIVE_INFINITY
  readonly #upkeep: ReadonlySet<number>
  #failure: string | undefined

  /** @param upkeep statements that no machine and no person waits for */
  constructor(data: ThreadData, upkeep: ReadonlySet<number>, counts?: StoreCounts) {
    this.#data = data
    this.#upkeep = upkeep
    this.#counts = counts
  }

  /** Writes that are not on stable storage yet. */
  get size(): number {
    return this.#waiting.length + this.#committing.length
  }

  /** Why the last transaction failed; undefined if it did not. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Resolves with its row's number when the write is on stable storage; rejects when the transaction it was part of failed. */
  write(write: Write): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject })
      if (this.#waiting.length === 1 && this.#committing.length === 0) this.#schedule()
    })
  }

  /** Ends when everything asked for so far has been written or refused. */
  async close(): Promise<void> {
    if (this.#waiting.length + this.#committing.length > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
    const thread = this.#thread
    if (!thread) return
    thread.ref()
    thread.postMessage('close')
    await new Promise(resolve => thread.once('exit', resolve))
  }

  /** Once for all that waits: after this turn, or when the last transaction began long enough ago. */
  #schedule(): void {
    const early = this.#hurriedAt + BETWEEN_MS - performance.now()
    if (early > 0) setTimeout(() => this.#start(), early)
    else setImmediate(() => this.#start())
  }

  #start(): void {
    this.#beganAt = performance.now()
    this.#committing = this.#waiting
    this.#waiting = []
    if (this.#committing.some(({ write: [statement] }) => !this.#upkeep.has(statement))) this.#hurriedAt = this.#beganAt
    this.#thread ??= this.#open()
    // The process may end while nothing is being written, and only then.
    this.#thread.ref()
    this.#thread.postMessage(this.#committing.map(({ write }) => write))
  }

  /** A thread that breaks is a bug, and ends the process as any other: nobody listens to its `error`. */
  #open(): Worker {
    const thread = new Worker(programModule('services/store/commit-thread'), { workerData: this.#data })
    thread.on('message', (outcome: Outcome) => this.#finish(outcome))
    return thread
  }

  #finish(outcome: Outcome): void {
    const done = this.#committing
    this.#committing = []
    const seconds = (performance.now() - this.#beganAt) / MS_PER_SECOND
    this.#counts?.committed(seconds, done.length, 'rows' in outcome ? 'written' : 'failed')
    this.#failure = 'rows' in outcome ? undefined : outcome.error
    if ('rows' in outcome) done.forEach(({ resolve }, index) => resolve(outcome.rows[index]!))
    else for (const { reject } of done) reject(new WriteFailure(outcome.error))
    this.#thread?.unref()
    if (this.#waiting.length > 0) return this.#schedule()
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}
