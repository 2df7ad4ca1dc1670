/**
 * All writes of one event-loop turn share one transaction and one fsync; each caller hears when its own is durable.
 * This is what lets a reply wait for the disk without every packet paying for a disk flush of its own.
 */
import type { Kysely, Transaction } from 'kysely'
import type { Database } from './schema.ts'

export type Write = (transaction: Transaction<Database>) => Promise<unknown>

type Waiting = { write: Write; resolve: () => void; reject: (error: unknown) => void }

export class TurnWriter {
  readonly #db: Kysely<Database>
  #waiting: Waiting[] = []
  #running: Promise<void> = Promise.resolve()

  constructor(db: Kysely<Database>) {
    this.#db = db
  }

  /** Resolves when the write is on stable storage; rejects when the transaction it was part of failed. */
  write(write: Write): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => this.#start())
    })
  }

  /** Resolves when everything asked for so far has been written or refused. */
  async idle(): Promise<void> {
    while (this.#waiting.length > 0) await new Promise(resolve => setImmediate(resolve))
    await this.#running
  }

  #start(): void {
    this.#running = this.#running.then(() => this.#flush())
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    if (batch.length === 0) return
    try {
      await this.#db.transaction().execute(async transaction => {
        for (const { write } of batch) await write(transaction)
      })
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
