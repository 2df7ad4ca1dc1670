/** One line that says how far something is, for a terminal. */
import { formatSize } from '../kit/amount.ts'

const BAR_CELLS = 24
const MINUTE_S = 60
const HOUR_S = 3600

function timeLeft(seconds: number): string {
  if (!Number.isFinite(seconds)) return ''
  if (seconds < 2 * MINUTE_S) return `${Math.ceil(seconds)} s left`
  return seconds < 2 * HOUR_S ? `${Math.ceil(seconds / MINUTE_S)} min left` : `${Math.ceil(seconds / HOUR_S)} h left`
}

/** `a.iso  [############            ]  50 %  512.0 MiB/s  3 s left`. The rate is that of all the time so far. */
export function progressLine(name: string, done: number, total: number, elapsedMs: number): string {
  const part = total > 0 ? Math.min(done / total, 1) : 1
  const cells = Math.floor(part * BAR_CELLS)
  const rate = elapsedMs > 0 ? done / (elapsedMs / 1000) : 0
  const bar = `[${'#'.repeat(cells)}${' '.repeat(BAR_CELLS - cells)}]`
  const percent = `${Math.floor(part * 100)} %`.padStart(5)
  return [name, bar, percent, `${formatSize(Math.round(rate))}/s`, timeLeft((total - done) / rate)].join('  ').trimEnd()
}

/** Where progress is shown, and how often at most. */
export type Terminal = { isTTY: boolean; columns: number; write(text: string): void }

const EVERY_MS = 100
const USUAL_COLUMNS = 80

/** Draws over its own line on a terminal, and is silent elsewhere. */
export class Progress {
  readonly #terminal: Terminal
  readonly #now: () => number
  readonly #name: string
  readonly #beganAt: number
  #drawnAt = -Infinity

  constructor(name: string, terminal: Terminal, now: () => number) {
    this.#name = name
    this.#terminal = terminal
    this.#now = now
    this.#beganAt = now()
  }

  show(done: number, total: number): void {
    const now = this.#now()
    if (!this.#terminal.isTTY || now - this.#drawnAt < EVERY_MS) return
    this.#drawnAt = now
    const line = progressLine(this.#name, done, total, now - this.#beganAt)
    // A line that wraps could not be drawn over.
    this.#terminal.write(`\r\u001b[K${line.slice(0, Math.max(this.#terminal.columns - 1, 0))}`)
  }

  clear(): void {
    if (this.#drawnAt > -Infinity) this.#terminal.write('\r\u001b[K')
  }
}

/** Standard error, so that what is piped on stays clean. */
export function errorTerminal(): Terminal {
  const { stderr } = process
  return {
    isTTY: stderr.isTTY === true,
    // Some terminals say that they have none.
    columns: stderr.columns || USUAL_COLUMNS,
    write: text => void stderr.write(text),
  }
}
