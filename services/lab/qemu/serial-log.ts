/** What a machine says on its serial port: kept, written to a file, and waited for. */
import type { FileHandle } from 'node:fs/promises'
import { StringDecoder } from 'node:string_decoder'

/** Cursor movements and colours of firmware menus (ECMA-48 §5.4), and control characters. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /\x1b\[[0-9;?=]*[A-Za-z]|\x1b[@-Z\\-_]|[\x00-\x08\x0b-\x1f\x7f]/g

type Waiter = { pattern: RegExp; found(line: string): void }

export class SerialLog {
  readonly lines: string[] = []
  #decoder = new StringDecoder('latin1')
  #rest = ''
  #file: FileHandle
  #written: Promise<unknown> = Promise.resolve()
  #onLine: (line: string) => void
  #waiters = new Set<Waiter>()

  constructor(file: FileHandle, onLine: (line: string) => void) {
    this.#file = file
    this.#onLine = onLine
  }

  add(bytes: Buffer): void {
    this.#written = this.#written.then(() => this.#file.write(bytes)).catch(() => {})
    const [...lines] = (this.#rest + this.#decoder.write(bytes)).split(/\r?\n|\r/)
    this.#rest = lines.pop()!
    for (const line of lines) this.#line(line.replaceAll(CONTROLS, '').trimEnd())
  }

  /**
   * The first line from number `from` on that matches, past or future; undefined when the limit passes before. A machine that
   * is off says nothing: race it with `exited` where that matters.
   */
  wait(pattern: RegExp, limitMs: number, from = 0): Promise<string | undefined> {
    const past = this.lines.slice(from).find(line => pattern.test(line))
    if (past !== undefined) return Promise.resolve(past)
    return new Promise(resolve => {
      const end = (line: string | undefined): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
        resolve(line)
      }
      const waiter = { pattern, found: end }
      const timer = setTimeout(end, limitMs, undefined)
      this.#waiters.add(waiter)
    })
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    await this.#written
    await this.#file.close()
  }

  #line(line: string): void {
    if (line === '') return
    this.lines.push(line)
    this.#onLine(line)
    for (const waiter of [...this.#waiters]) if (waiter.pattern.test(line)) waiter.found(line)
  }
}
