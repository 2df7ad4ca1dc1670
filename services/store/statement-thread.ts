/** The thread of one statement that takes long: `long-statement.ts` is its other end. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** `where`: a path, or a URL (`file:`). */
export type StatementData = { where: string; sql: string; values: readonly SQLInputValue[] }

export type StatementOutcome = { rows: Record<string, unknown>[] } | { error: string }

function execute({ where, sql, values }: StatementData): StatementOutcome {
  try {
    const db = new DatabaseSync(where.startsWith('file:') ? new URL(where) : where, { readOnly: true })
    try {
      db.exec('PRAGMA busy_timeout = 10000')
      return { rows: db.prepare(sql).all(...values) }
    } finally {
      db.close()
    }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

parentPort?.postMessage(execute(workerData as StatementData))
