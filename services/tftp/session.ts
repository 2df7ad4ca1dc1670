/** Carries out what `transfer.ts` decides for one client: its port, its file, its timer. */
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort, Endpoint } from '../kit/datagram-port.ts'
import type { Log } from '../kit/log.ts'
import { AckTimer } from './ack-timer.ts'
import type { TftpCounts } from './counts.ts'
import type { TftpFact, TftpFile } from './file.ts'
import type { Terms } from './options.ts'
import { DATA_HEADER_BYTES, decodePacket, encodePacket, ERROR, type TftpPacket, writeData } from './packet.ts'
import type { FailureReason } from './reasons.ts'
import {
  acknowledgedBytes,
  advance,
  begin,
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
  counts: TftpCounts
  /** Called once, when port and file are closed. */
  ended: () => void
}

const PROGRESS_EVERY_MS = 500

/** Both included. */
type Blocks = { first: number; last: number }

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
  readonly #timer: AckTimer
  /** Where each block becomes a packet; the port takes a copy. */
  readonly #data: Uint8Array
  /** A read that waits for the disk; meanwhile nothing is sent, so blocks leave in order. */
  #reading: Promise<void> | undefined
  /** What was to be sent since that read began. */
  #wanted: Blocks | undefined
  #over: Promise<void> | undefined
  #toldAt: number

  constructor(options: SessionOptions) {
    this.#options = options
    this.#toldAt = options.clock.elapsed()
    this.#timer = new AckTimer(options.clock, () => this.#timeout())
    this.#data = new Uint8Array(DATA_HEADER_BYTES + options.terms.blockSize)
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
    this.#take(advance(this.#state, event, this.#options.clock.elapsed()))
  }

  #timeout(): void {
    this.#on({ event: 'timeout' })
    if (!this.#over) this.#options.counts.repeated()
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
        return this.#sendBlocks(effect)
      case 'await-ack':
        return this.#timer.set(effect.forMs)
      case 'begin':
        return this.#begin()
      case 'progress':
        if (clock.elapsed() - this.#toldAt < PROGRESS_EVERY_MS) return
        this.#toldAt = clock.elapsed()
        return this.#tell('progress')
      case 'finish':
        return this.#finish(effect)
    }
  }

  #begin(): void {
    const { client, name, file, terms, log } = this.#options
    const { blockSize, windowSize } = terms
    const how = `in blocks of ${blockSize}, ${windowSize} at a time`
    log.info({ ...client, name, size: file.size, blockSize, windowSize }, `sending ${name} to ${client.address} ${how}`)
    this.#tell('started')
  }

  #finish(effect: TransferEffect & { do: 'finish' }): void {
    if (this.#over) return
    const { client, name, log, counts } = this.#options
    counts.ended(effect.outcome, effect.outcome === 'failed' ? effect.reason : 'none', acknowledgedBytes(this.#state))
    if (effect.outcome === 'sent') this.#tell('sent')
    if (effect.outcome === 'declined') log.debug({ ...client, name }, 'only the size was wanted')
    if (effect.outcome === 'failed') {
      const words = LAST_WORDS[effect.reason]
      if (words) this.#send({ op: 'error', code: ERROR.undefined, text: words })
      this.#tell('failed', effect.reason)
    }
    void this.#end()
  }

  #sendBlocks({ first, last }: Blocks): void {
    if (this.#reading) {
      this.#wanted = { first, last }
      return
    }
    const { file, terms } = this.#options
    const offset = (first - 1) * terms.blockSize
    const bytes = file.read(offset, Math.min((last - first + 1) * terms.blockSize, file.size - offset))
    if (bytes instanceof Uint8Array) return this.#sendData(first, last, bytes)
    this.#reading = bytes
      .then(loaded => this.#sendRead(first, last, loaded))
      .catch((error: unknown) => this.#readFailed(error))
  }

  #sendRead(first: number, last: number, bytes: Uint8Array): void {
    this.#reading = undefined
    const wanted = this.#wanted
    this.#wanted = undefined
    if (this.#over) return
    // The same again, because the timer is quicker than the disk; or what follows, because the client had more than was known.
    if (wanted && wanted.first !== first) this.#sendBlocks(wanted)
    else this.#sendData(first, last, bytes)
  }

  #readFailed(error: unknown): void {
    this.#reading = undefined
    if (this.#over) return
    const { client, name, log } = this.#options
    log.warn({ ...client, name, error: String(error) }, 'a file could not be read')
    this.#take(fail(this.#state, 'read-failed'))
  }

  #sendData(first: number, last: number, bytes: Uint8Array): void {
    const { blockSize, rollTo } = this.#options.terms
    const { port, client } = this.#options
    for (let block = first; block <= last; block += 1) {
      const offset = (block - first) * blockSize
      const payload = first === last ? bytes : bytes.subarray(offset, offset + blockSize)
      port.send(writeData(this.#data, wireNumber(block, rollTo), payload), client)
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
    this.#timer.cancel()
    this.#over ??= Promise.resolve(this.#reading)
      .then(() => Promise.allSettled([port.close(), file.close()]))
      .then(() => ended())
    return this.#over
  }
}
