/**
 * Bodies sent by a thread of their own (`send-thread.ts`), so that no packet waits for them (M08). The request, its head and the connection stay here; the
 * thread gets a second descriptor of the same socket, and descriptors of files, and closes the first when it has ended.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Log } from '../kit/log.ts'
import { programModule } from '../kit/program-files.ts'
import type { Segment } from '../kit/segments.ts'
import { type Body, type BodySender, endResponse, type SendOutcome } from './body-sender.ts'
import type { FilesOfBody } from './open-files.ts'
import type { Rates } from './pace.ts'
import type { Order, Piece, Report, ThreadData } from './send-thread.ts'
import { duplicate, openWake, type SystemCalls, wake } from './system-calls.ts'

type UnderWay = { descriptor: number; onReport: (report: Report) => void }

/** Whether the head is with the kernel; false: the client went before its turn came, which is after the responses to its earlier requests. */
function headIsOut(response: ServerResponse): Promise<boolean> {
  const { socket } = response.req
  return new Promise(resolve => {
    const settle = (isOut: boolean): void => {
      socket.off('close', gone)
      resolve(isOut)
    }
    const gone = (): void => settle(false)
    socket.once('close', gone)
    response.write('', error => settle(!error))
  })
}

/** Node has no public way to it, and closes it when the connection is over: only good to be duplicated at once. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null }
  return handle?.fd ?? -1
}

function pieceOf(segment: Segment, files: FilesOfBody): Piece {
  // A copy: the whole memory that a view belongs to would go along with it.
  if (segment.from === 'memory') return { from: 'memory', bytes: new Uint8Array(segment.bytes) }
  const { handle, size, changedAt } = files.get(segment.path)!
  return { from: 'file', descriptor: handle.fd, offset: segment.offset, length: segment.length, size, changedAt }
}

export class ThreadSender implements BodySender {
  readonly #calls: SystemCalls
  #rates: Rates
  readonly #log: Log
  readonly #wake: number
  readonly #underWay = new Map<number, UnderWay>()
  /** Started by the first body. */
  #thread: Worker | undefined
  #bodies = 0

  constructor(calls: SystemCalls, rates: Rates, log: Log) {
    this.#calls = calls
    this.#rates = rates
    this.#log = log
    this.#wake = openWake(calls)
  }

  async send(response: ServerResponse, { segments, files, machine, onSent }: Body): Promise<SendOutcome> {
    const { socket } = response.req
    const descriptor = (await headIsOut(response)) ? duplicate(this.#calls, descriptorOf(socket)) : -1
    if (descriptor < 0) {
      socket.destroy()
      return { sent: 0, complete: false }
    }
    // Requests that were sent ahead wait in the kernel, and not in our memory.
    socket.pause()
    const pieces = segments.map(segment => pieceOf(segment, files))
    const { sent, end } = await this.#handOver(response, { socket: descriptor, pieces, machine }, report => {
      // The idle time of the connection is Node's, which does not see these bytes go.
      socket.setTimeout(socket.timeout ?? 0)
      onSent(report.sent)
    })
    if (end !== 'complete') {
      this.#tell(end, files, machine)
      socket.destroy()
    } else {
      socket.resume()
      await endResponse(response)
    }
    return { sent, complete: end === 'complete' }
  }

  pace(rates: Rates): void {
    this.#rates = rates
    if (this.#thread) this.#order(this.#thread, { do: 'pace', rates })
  }

  /** Ends when what is under way has ended, or was cut. */
  async close(): Promise<void> {
    const thread = this.#thread
    if (thread) {
      thread.ref()
      this.#order(thread, { do: 'close' })
      await new Promise(resolve => thread.once('exit', resolve))
    }
    this.#calls.close(this.#wake)
  }

  /** Resolves with the last report: from then on the thread uses neither the socket nor the files. */
  #handOver(
    response: ServerResponse,
    what: { socket: number; pieces: Piece[]; machine: string },
    onProgress: (report: Report) => void,
  ): Promise<Report> {
    const id = ++this.#bodies
    const thread = (this.#thread ??= this.#start())
    return new Promise(resolve => {
      const cut = (): void => this.#order(thread, { do: 'cut', id })
      const onReport = (report: Report): void => {
        if (report.sent > 0) onProgress(report)
        if (report.end === undefined) return
        response.off('close', cut)
        this.#underWay.delete(id)
        // The process may end while nothing is being sent, and only then.
        if (this.#underWay.size === 0) thread.unref()
        resolve(report)
      }
      this.#underWay.set(id, { descriptor: what.socket, onReport })
      response.once('close', cut)
      thread.ref()
      this.#order(thread, { do: 'send', id, ...what })
      if (response.destroyed) cut()
    })
  }

  /** A client that goes away is nothing to tell: machines are switched off. */
  #tell(end: Report['end'], files: FilesOfBody, address: string): void {
    const of = { address, files: [...files.keys()] }
    if (end === 'changed') this.#log.warn(of, 'a file was changed while it was sent, and its client cut off')
    if (typeof end === 'number') this.#log.error({ ...of, errno: end }, 'a file could not be sent to its end')
  }

  #order(thread: Worker, order: Order): void {
    thread.postMessage(order)
    wake(this.#calls, this.#wake)
  }

  #start(): Worker {
    const workerData: ThreadData = { wake: this.#wake, rates: this.#rates }
    const thread = new Worker(programModule('services/http/send-thread'), { workerData })
    thread.on('message', (reports: Report[]) => {
      for (const report of reports) this.#underWay.get(report.id)?.onReport(report)
    })
    thread.on('error', error => this.#log.error({ error: String(error) }, 'the thread that sends boot files broke'))
    thread.on('exit', () => this.#abandon())
    return thread
  }

  /** The thread is gone, and can't close what it had. The next body gets another one. */
  #abandon(): void {
    this.#thread = undefined
    for (const [id, { descriptor, onReport }] of this.#underWay) {
      this.#calls.close(descriptor)
      onReport({ id, sent: 0, end: 'cut' })
    }
  }
}
