/** One line that says how far something is, for a terminal. */
import { formatSize } from '../kit/amount.ts'
import { USUAL_COLUMNS } from './wrap.ts'

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
  const part = partOf(done, total)
  const cells = Math.floor(part * BAR_CELLS)
  const bar = `[${'#'.repeat(cells)}${' '.repeat(BAR_CELLS - cells)}]`
  const percent = `${Math.floor(part * 100)} %`.padStart(5)
  return [name, bar, percent, ...pace(done, total, elapsedMs)].join('  ')
}

const partOf = (done: number, total: number): number => (total > 0 ? Math.min(done / total, 1) : 1)

function pace(done: number, total: number, elapsedMs: number): string[] {
  const rate = elapsedMs > 0 ? done / (elapsedMs / 1000) : 0
  return [`${formatSize(Math.round(rate))}/s`, timeLeft((total - done) / rate)].filter(text => text !== '')
}

/** The same where nothing is drawn: `a.iso: 50 % of 1.0 GiB, 512.0 MiB/s, 3 s left`. */
function plainLine(name: string, done: number, total: number, elapsedMs: number): string {
  const percent = Math.floor(partOf(done, total) * 100)
  return `${name}: ${percent} % of ${formatSize(total)}, ${pace(done, total, elapsedMs).join(', ')}`
}

/** Where progress is shown, and how often at most. */
export type Terminal = { isTTY: boolean; columns: number; write(text: string): void }

const EVERY_MS = 100
/** Between lines where nothing is drawn over: a log of what took a minute has a handful of them, and of what took seconds none. */
const LINES_EVERY_MS = 10_000

/** Draws over its own line on a terminal, and writes a line now and then elsewhere. */
export class Progress {
  readonly #terminal: Terminal
  readonly #now: () => number
  readonly #name: string
  readonly #beganAt: number
  #toldAt: number

  constructor(name: string, terminal: Terminal, now: () => number) {
    this.#name = name
    this.#terminal = terminal
    this.#now = now
    this.#beganAt = now()
    this.#toldAt = terminal.isTTY ? -Infinity : this.#beganAt
  }

  show(done: number, total: number): void {
    const line = this.#terminal.isTTY ? progressLine : plainLine
    this.#tell(elapsed => line(this.#name, done, total, elapsed))
  }

  /** For what can't be measured: that it goes on, and for how long. */
  busy(doing: string): void {
    this.#tell(elapsed => `${this.#name}: ${doing}, for ${Math.floor(elapsed / 1000)} s`)
  }

  clear(): void {
    if (this.#terminal.isTTY && this.#toldAt > -Infinity) this.#terminal.write('\r\u001b[K')
  }

  #tell(line: (elapsedMs: number) => string): void {
    const { isTTY, columns } = this.#terminal
    const now = this.#now()
    if (now - this.#toldAt < (isTTY ? EVERY_MS : LINES_EVERY_MS)) return
    this.#toldAt = now
    const text = line(now - this.#beganAt)
    // A line that wraps could not be drawn over.
    this.#terminal.write(isTTY ? `\r\u001b[K${text.slice(0, Math.max(columns - 1, 0))}` : `${text}\n`)
  }
}

const SILENT: Terminal = { isTTY: false, columns: 0, write: () => {} }

/** Standard error, so that what is piped on stays clean. @param json programs that read JSON are told nothing beside a terminal */
export function errorTerminal(json: boolean): Terminal {
  const { stderr } = process
  const isTTY = stderr.isTTY === true
  if (json && !isTTY) return SILENT
  // Some terminals say that they have no columns.
  return { isTTY, columns: stderr.columns || USUAL_COLUMNS, write: text => void stderr.write(text) }
}
