/**
 * Bodies sent by the event loop, where FFI can't be loaded. Two buffers are used in turn, so that the next piece is read while the last one drains; a
 * stalled client holds two of them and no more.
 */
import type { ServerResponse } from 'node:http'
import type { Log } from '../kit/log.ts'
import { type Segment, totalLength } from '../kit/segments.ts'
import { type Body, type BodySender, endResponse, type SendOutcome } from './body-sender.ts'
import type { FilesOfBody } from './open-files.ts'
import { Pacer, type Rates } from './pace.ts'

const BUFFER_BYTES = 1024 * 1024
/**
 * What all bodies together hand to the kernel in one turn of the event loop. It copies at once what the socket has room for, and for those two or
 * three milliseconds no packet is heard (M08): with eight downloads of whole buffers each, DHCP waited ten.
 */
const TURN_BYTES = 2 * 1024 * 1024
const LEAST_BYTES = 64 * 1024

/** The part of a buffer that a body may fill while so many are under way. */
export function shareOf(underWay: number): number {
  return Math.min(BUFFER_BYTES, Math.max(LEAST_BYTES, Math.floor(TURN_BYTES / underWay)))
}

/** Reads segments in order into whichever buffer it is given. */
class SegmentReader {
  readonly #segments: readonly Segment[]
  readonly #files: FilesOfBody
  #index = 0
  #position = 0

  constructor(segments: readonly Segment[], files: FilesOfBody) {
    this.#segments = segments
    this.#files = files
  }

  /** Fills the buffer as far as it goes; 0 at the end. Throws when a file is not what it was. */
  async fill(buffer: Uint8Array): Promise<number> {
    let filled = 0
    while (filled < buffer.length && this.#index < this.#segments.length) {
      const segment = this.#segments[this.#index]!
      const length = segment.from === 'file' ? segment.length : segment.bytes.length
      const wanted = Math.min(buffer.length - filled, length - this.#position)
      if (wanted > 0) await this.#copy(segment, buffer.subarray(filled, filled + wanted))
      filled += wanted
      this.#position += wanted
      if (this.#position < length) continue
      this.#index++
      this.#position = 0
    }
    if (this.#index === this.#segments.length) await this.#refuseChanged()
    return filled
  }

  async #copy(segment: Segment, target: Uint8Array): Promise<void> {
    if (segment.from === 'memory') {
      target.set(segment.bytes.subarray(this.#position, this.#position + target.length))
      return
    }
    const { handle, path } = this.#files.get(segment.path)!
    let done = 0
    while (done < target.length) {
      const { bytesRead } = await handle.read(
        target,
        done,
        target.length - done,
        segment.offset + this.#position + done,
      )
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was sent`)
      done += bytesRead
    }
  }

  /** Asked before the last bytes go: a file that was written to meanwhile is sent to its end to nobody. */
  async #refuseChanged(): Promise<void> {
    for (const { handle, path, changedAt, size } of this.#files.values()) {
      const now = await handle.stat({ bigint: true })
      if (now.mtimeNs !== changedAt || now.size !== size) throw new Error(`${path} was changed while it was sent`)
    }
  }
}

/** Resolves once the socket takes more, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const { socket } = response.req
    const settle = (): void => {
      response.off('drain', settle)
      socket.off('close', settle)
      resolve()
    }
    response.once('drain', settle)
    socket.once('close', settle)
  })
}

/** Writes, and resolves when the buffer may be used again: whether the kernel took it. */
function written(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  return new Promise(resolve => {
    const { socket } = response.req
    const settle = (isTaken: boolean): void => {
      socket.off('close', lost)
      resolve(isTaken)
    }
    const lost = (): void => settle(false)
    socket.once('close', lost)
    response.write(bytes, error => settle(!error))
  })
}

export class CopySender implements BodySender {
  readonly #pacer: Pacer
  readonly #log: Log
  #bodies = 0

  constructor(rates: Rates, log: Log) {
    this.#log = log
    this.#pacer = new Pacer(rates, performance.now())
  }

  async send(response: ServerResponse, body: Body): Promise<SendOutcome> {
    this.#bodies += 1
    this.#pacer.enter(body.machine, performance.now())
    try {
      return await this.#copy(response, body)
    } catch (error) {
      const fields = { address: body.machine, error: String(error) }
      this.#log.warn(fields, 'a file could not be sent to its end, and its client was cut off')
      response.req.socket.destroy()
      return { sent: 0, complete: false }
    } finally {
      this.#bodies -= 1
      this.#pacer.leave(body.machine)
    }
  }

  pace(rates: Rates): void {
    this.#pacer.use(rates, performance.now())
  }

  async close(): Promise<void> {}

  async #copy(response: ServerResponse, { segments, files, machine, onSent }: Body): Promise<SendOutcome> {
    const reader = new SegmentReader(segments, files)
    const buffers = [Buffer.allocUnsafe(BUFFER_BYTES), Buffer.allocUnsafe(BUFFER_BYTES)] as const
    const busy: Promise<boolean>[] = [Promise.resolve(true), Promise.resolve(true)]
    const { socket } = response.req
    let sent = 0
    for (let turn: 0 | 1 = 0; (await busy[turn]) && !socket.destroyed; turn = turn === 0 ? 1 : 0) {
      const filled = await reader.fill(buffers[turn].subarray(0, await this.#allowance(machine)))
      if (filled === 0) break
      this.#pacer.spend(machine, filled)
      if (response.writableNeedDrain) await drained(response)
      busy[turn] = written(response, buffers[turn].subarray(0, filled))
      sent += filled
      onSent(sent)
    }
    const taken = await Promise.all(busy)
    const complete = sent === totalLength(segments) && taken.every(Boolean)
    if (complete) await endResponse(response)
    return { sent, complete }
  }

  async #allowance(machine: string): Promise<number> {
    for (;;) {
      const most = this.#pacer.allowance(machine, performance.now(), shareOf(this.#bodies))
      if (most > 0) return most
      const wait = Math.ceil(this.#pacer.waitMs(machine, performance.now()))
      await new Promise(wake => setTimeout(wake, wait))
    }
  }
}
