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

export interface Session {
  stop(reason: FailureReason): Promise<void>
}

const PROGRESS_EVERY_MS = 500

/** What the client is told at the end; the client itself ended the others. */
const LAST_WORDS: Partial<Record<FailureReason, string>> = {
  'too-slow': 'transfer took too long',
  'read-failed': 'the file cannot be read',
  stopped: 'the server is stopping',
}

export function startSession(options: SessionOptions): Session {
  const { port, client, file, terms, clock } = options
  const first = begin(terms, file.size, clock.now())
  let state: Transfer = first.state
  let cancelTimer = (): void => {}
  let sending: Promise<void> = Promise.resolve()
  let toldAt: Instant = clock.now()
  let over: Promise<void> | undefined

  const tell = (fact: TftpFact['fact'], reason?: FailureReason): void => {
    const bytes = acknowledgedBytes(state)
    options.tell({ fact, client, name: options.name, bytes, size: file.size, ...(reason ? { reason } : {}) })
  }
  const send = (packet: TftpPacket): void => port.send(encodePacket(packet), client)
  const take = (step: Step): void => {
    state = step.state
    for (const effect of step.effects) perform(effect)
  }
  const on = (event: TransferEvent): void => take(advance(state, event, clock.now()))

  /** Reads are queued, so blocks leave in order however long the disk takes. */
  const sendBlocks = (from: number, last: number): void => {
    sending = sending
      .then(async () => {
        const start = Math.max(from, state.acknowledged + 1)
        if (over || start > last) return
        const { blockSize, rollTo } = terms
        const bytes = await readFully(file, (start - 1) * blockSize, (last - start + 1) * blockSize)
        for (let block = start; block <= last && !over; block += 1) {
          const offset = (block - start) * blockSize
          send({ op: 'data', block: wireNumber(block, rollTo), payload: bytes.subarray(offset, offset + blockSize) })
        }
      })
      .catch((error: unknown) => {
        options.log.warn({ client, name: options.name, error: String(error) }, 'tftp could not read a file')
        take(fail(state, 'read-failed'))
      })
  }

  const end = (): Promise<void> => {
    cancelTimer()
    over ??= sending.then(() => Promise.allSettled([port.close(), file.close()])).then(() => options.ended())
    return over
  }

  const perform = (effect: TransferEffect): void => {
    switch (effect.do) {
      case 'send-oack':
        return send({ op: 'oack', options: terms.offered })
      case 'send-blocks':
        return sendBlocks(effect.first, effect.last)
      case 'await-ack':
        cancelTimer()
        cancelTimer = clock.after(effect.forMs, () => on({ event: 'timeout' }))
        return
      case 'begin':
        return tell('started')
      case 'progress':
        if (clock.now() - toldAt < PROGRESS_EVERY_MS) return
        toldAt = clock.now()
        return tell('progress')
      case 'finish':
        return finishWith(effect)
    }
  }
  const finishWith = (effect: TransferEffect & { do: 'finish' }): void => {
    if (over) return
    if (effect.outcome === 'sent') tell('sent')
    if (effect.outcome === 'declined')
      options.log.debug({ client, name: options.name }, 'tftp: only the size was wanted')
    if (effect.outcome === 'failed') {
      const words = LAST_WORDS[effect.reason]
      if (words) send({ op: 'error', code: ERROR.undefined, text: words })
      tell('failed', effect.reason)
    }
    void end()
  }

  port.onDatagram(datagram => hear(datagram, client, port, on))
  take(first)
  return {
    async stop(reason) {
      if (!over) take(fail(state, reason))
      await end()
    },
  }
}

/** Only the client's own port is listened to; another gets error 5 and disturbs nothing (RFC 1350 §4, K02). */
function hear(
  { bytes, from }: Datagram,
  client: Endpoint,
  port: DatagramPort,
  on: (event: TransferEvent) => void,
): void {
  const packet = decodePacket(bytes)
  if (!packet) return
  if (from.address !== client.address || from.port !== client.port) {
    // Never an error for an error: two servers would go on for ever.
    if (packet.op !== 'error' && from.port !== 0) {
      port.send(encodePacket({ op: 'error', code: ERROR.unknownTransfer, text: 'unknown transfer' }), from)
    }
    return
  }
  if (packet.op === 'ack') on({ event: 'ack', block: packet.block })
  if (packet.op === 'error') on({ event: 'error', code: packet.code })
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
