/**
 * A descriptor that is written in the background, all lines of some milliseconds with one system call: who logs never waits for who reads (M08).
 * What still waits when the process ends is written then, each line once. An error (the disk of the log is full) costs lines, never the service.
 */
import { write, writeSync } from 'node:fs'

/** Nobody reads faster, and under load a write for each turn of the event loop costs more than making its lines. */
const GATHER_MS = 10

/** Beyond that whoever reads the lines stands still, and further ones are dropped rather than kept in memory. */
const WAITING_CHARACTERS_MOST = 16 * 1024 * 1024
/** A reader that is behind, on a pipe that somebody made non-blocking. */
const RETRY_MS = 10
/** What a write that is under way at the end may take; nobody can be told by then that it is done. */
const LAST_WRITE_MS = 100

export class BackgroundOutput {
  readonly #fd: number
  #waiting: string[] = []
  #characters = 0
  #isWriting = false
  #isGathering = false

  constructor(fd: number) {
    this.#fd = fd
    process.once('exit', () => this.#finish())
  }

  write(line: string): void {
    if (this.#characters > WAITING_CHARACTERS_MOST) return
    this.#waiting.push(line)
    this.#characters += line.length
    if (!this.#isWriting && !this.#isGathering) this.#gather()
  }

  #gather(): void {
    this.#isGathering = true
    setTimeout(() => {
      this.#isGathering = false
      this.#isWriting = true
      this.#put(this.#take())
    }, GATHER_MS)
  }

  #take(): Buffer {
    const text = this.#waiting.join('')
    this.#waiting = []
    this.#characters = 0
    return Buffer.from(text)
  }

  #put(bytes: Buffer): void {
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.#put(bytes), RETRY_MS)
      else if (!error && written < bytes.length) this.#put(bytes.subarray(written))
      else this.#done()
    })
  }

  #done(): void {
    this.#isWriting = false
    if (this.#waiting.length > 0) this.#gather()
  }

  #finish(): void {
    if (this.#isWriting) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WRITE_MS)
    try {
      const bytes = this.#take()
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    } catch {
      // There is nowhere left to say that nothing can be said.
    }
  }
}
