/**
 * The thread that writes: it alone waits for the disk. Each message is one transaction, each answer says that it is on stable storage, or why it
 * is not. `turn-writer.ts` is its other end.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** One write: the number of its statement, then the values of that statement. */
export type Write = readonly [statement: number, ...values: SQLInputValue[]]

export type ThreadData = { file: string; pragmas: string; statements: readonly string[] }

/** `rows` are the row numbers of the writes, in their order. */
export type Outcome = { rows: number[] } | { error: string }

/** Returns the number of the row. All steps of a pragma are rows of their own, and `run` would take the first. */
function execute(statement: StatementSync, values: readonly SQLInputValue[]): number {
  if (!statement.sourceSQL.startsWith('PRAGMA')) return Number(statement.run(...values).lastInsertRowid)
  statement.all(...values)
  return 0
}

class Committer {
  readonly #data: ThreadData
  #open: { db: DatabaseSync; statements: StatementSync[] } | undefined

  constructor(data: ThreadData) {
    this.#data = data
  }

  commit(writes: readonly Write[]): Outcome {
    try {
      return { rows: this.#transact(writes) }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }

  close(): void {
    this.#open?.db.close()
  }

  /** Opened by the first transaction, so that a disk that is full by then fails that one, and not the thread. */
  #connect() {
    if (this.#open) return this.#open
    const { file, pragmas, statements } = this.#data
    const db = new DatabaseSync(file)
    db.exec(pragmas)
    this.#open = { db, statements: statements.map(sql => db.prepare(sql)) }
    return this.#open
  }

  #transact(writes: readonly Write[]): number[] {
    const { db, statements } = this.#connect()
    db.exec('BEGIN IMMEDIATE')
    try {
      const rows = writes.map(([statement, ...values]) => execute(statements[statement]!, values))
      db.exec('COMMIT')
      return rows
    } catch (error) {
      // A failed COMMIT (disk full) leaves the transaction open; a failed write may have ended it already.
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
}

if (parentPort) {
  const port = parentPort
  const committer = new Committer(workerData as ThreadData)
  port.on('message', (message: readonly Write[] | 'close') => {
    if (message !== 'close') return port.postMessage(committer.commit(message))
    committer.close()
    port.close()
  })
}
