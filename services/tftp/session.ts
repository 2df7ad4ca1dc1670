/** Carries out what `transfer.ts` decides for one client: its port, its file, its timer. */
import type { Clock, Instant } from '../kit/clock.ts'
import type { Datagram, DatagramPort, Endpoint } from '../kit/datagram-port.ts'
import type { Log } from '../kit/log.ts'
import type { TftpFact, TftpFile } from './file.ts'
import type { Terms } from './options.ts'
import { decodePacket, encodePacket, ERROR, type TftpPacket } from './packet.ts'
import {
  acknowledgedBytes,
  advance,
  begin,
  type FailureReason,
  fail,
  type Step,
  type Transfer,
  type TransferEffect,
  type TransferEvent,
  wireNumber,
} from './transfer.ts'

export type SessionOptions = {
  port: DatagramPort
  client: Endpoint
  name: string
  file: TftpFile
  terms: Terms
  clock: Clock
  log: Log
  tell: (fact: TftpFact) => void
  /** Called once, when port and file are closed. */
  ended: () => void
}

const PROGRESS_EVERY_MS = 500

/** What the client is told at the end; the client itself ended the others. */
const LAST_WORDS: Partial<Record<FailureReason, string>> = {
  'too-slow': 'transfer took too long',
  'read-failed': 'the file cannot be read',
  stopped: 'the server is stopping',
}

/** Lives from the open file to the last ACK, or to the reason why there will be none. */
export class Session {
  readonly #options: SessionOptions
  #state: Transfer
  #cancelTimer = (): void => {}
  /** Reads wait for each other, so blocks leave in order however long the disk takes. */
  #sending: Promise<void> = Promise.resolve()
  #over: Promise<void> | undefined
  #toldAt: Instant

  constructor(options: SessionOptions) {
    this.#options = options
    this.#toldAt = options.clock.now()
    const first = begin(options.terms, options.file.size, this.#toldAt)
    this.#state = first.state
    options.port.onDatagram(datagram => this.#hear(datagram))
    this.#take(first)
  }

  async stop(reason: FailureReason): Promise<void> {
    if (!this.#over) this.#take(fail(this.#state, reason))
    await this.#end()
  }

  /** Only the client's own port is listened to; another gets error 5 and disturbs nothing (RFC 1350 §4, K02). */
  #hear({ bytes, from }: Datagram): void {
    const { client, port } = this.#options
    const packet = decodePacket(bytes)
    if (!packet) return
    if (from.address !== client.address || from.port !== client.port) {
      // Never an error for an error: two servers would go on for ever.
      if (packet.op !== 'error' && from.port !== 0) {
        port.send(encodePacket({ op: 'error', code: ERROR.unknownTransfer, text: 'unknown transfer' }), from)
      }
      return
    }
    if (packet.op === 'ack') this.#on({ event: 'ack', block: packet.block })
    if (packet.op === 'error') this.#on({ event: 'error', code: packet.code })
  }

  #on(event: TransferEvent): void {
    this.#take(advance(this.#state, event, this.#options.clock.now()))
  }

  #take(step: Step): void {
    this.#state = step.state
    for (const effect of step.effects) this.#perform(effect)
  }

  #perform(effect: TransferEffect): void {
    const { clock, terms } = this.#options
    switch (effect.do) {
      case 'send-oack':
        return this.#send({ op: 'oack', options: terms.offered })
      case 'send-blocks':
        return this.#queueBlocks(effect.first, effect.last)
      case 'await-ack':
        this.#cancelTimer()
        this.#cancelTimer = clock.after(effect.forMs, () => this.#on({ event: 'timeout' }))
        return
      case 'begin':
        return this.#tell('started')
      case 'progress':
        if (clock.now() - this.#toldAt < PROGRESS_EVERY_MS) return
        this.#toldAt = clock.now()
        return this.#tell('progress')
      case 'finish':
        return this.#finish(effect)
    }
  }

  #finish(effect: TransferEffect & { do: 'finish' }): void {
    if (this.#over) return
    const { client, name, log } = this.#options
    if (effect.outcome === 'sent') this.#tell('sent')
    if (effect.outcome === 'declined') log.debug({ client, name }, 'tftp: only the size was wanted')
    if (effect.outcome === 'failed') {
      const words = LAST_WORDS[effect.reason]
      if (words) this.#send({ op: 'error', code: ERROR.undefined, text: words })
      this.#tell('failed', effect.reason)
    }
    void this.#end()
  }

  #queueBlocks(first: number, last: number): void {
    const { client, name, log } = this.#options
    this.#sending = this.#sending
      .then(() => this.#sendBlocks(first, last))
      .catch((error: unknown) => {
        log.warn({ client, name, error: String(error) }, 'tftp could not read a file')
        this.#take(fail(this.#state, 'read-failed'))
      })
  }

  async #sendBlocks(first: number, last: number): Promise<void> {
    const { file, terms } = this.#options
    const { blockSize, rollTo } = terms
    // While this waited for an earlier read, the client may have acknowledged more.
    const start = Math.max(first, this.#state.acknowledged + 1)
    if (this.#over || start > last) return
    const bytes = await readFully(file, (start - 1) * blockSize, (last - start + 1) * blockSize)
    for (let block = start; block <= last && !this.#over; block += 1) {
      const offset = (block - start) * blockSize
      this.#send({
        op: 'data',
        block: wireNumber(block, rollTo),
        payload: bytes.subarray(offset, offset + blockSize),
      })
    }
  }

  #send(packet: TftpPacket): void {
    this.#options.port.send(encodePacket(packet), this.#options.client)
  }

  #tell(fact: TftpFact['fact'], reason?: FailureReason): void {
    const { client, name, file, tell } = this.#options
    const bytes = acknowledgedBytes(this.#state)
    tell({ fact, client, name, bytes, size: file.size, ...(reason ? { reason } : {}) })
  }

  #end(): Promise<void> {
    const { port, file, ended } = this.#options
    this.#cancelTimer()
    this.#over ??= this.#sending.then(() => Promise.allSettled([port.close(), file.close()])).then(() => ended())
    return this.#over
  }
}

/** A read may be short in the middle of a file; a file that shrank is an error, since its size was promised. */
async function readFully(file: TftpFile, offset: number, length: number): Promise<Uint8Array> {
  const wanted = Math.max(0, Math.min(length, file.size - offset))
  const bytes = new Uint8Array(wanted)
  let done = 0
  while (done < wanted) {
    const part = await file.read(offset + done, wanted - done)
    if (part.length === 0) throw new Error('the file is shorter than it was')
    bytes.set(part, done)
    done += part.length
  }
  return bytes
}
