/** A statement that takes as long as a database is large, beside the event loop; and how far it is, told by the file that it writes. */
import { stat } from 'node:fs/promises'
import type { SQLInputValue } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { programModule } from '../kit/program-files.ts'
import type { StatementData, StatementOutcome } from './statement-thread.ts'

/** Octets, of about so many. */
export type Told = (done: number, total: number) => void

const LOOK_MS = 100

/** Reads the file and writes nothing into it. Rejects with what SQLite says. */
export function runStatement(
  file: string | URL,
  sql: string,
  ...values: SQLInputValue[]
): Promise<Record<string, unknown>[]> {
  const workerData: StatementData = { where: String(file), sql, values }
  const thread = new Worker(programModule('services/store/statement-thread'), { workerData })
  return new Promise((resolve, reject) => {
    thread.once('message', (outcome: StatementOutcome) => {
      if ('rows' in outcome) resolve(outcome.rows)
      else reject(new Error(outcome.error))
    })
    thread.once('error', reject)
  })
}

/** Tells how large a file is while something writes it. @param total octets that it is expected to have at the end */
export async function whileItGrows<T>(file: string, total: number, tell: Told, writing: Promise<T>): Promise<T> {
  const look = (): void =>
    void stat(file).then(
      ({ size }) => tell(Math.min(size, total), total),
      () => {},
    )
  const timer = setInterval(look, LOOK_MS)
  try {
    return await writing
  } finally {
    clearInterval(timer)
  }
}
