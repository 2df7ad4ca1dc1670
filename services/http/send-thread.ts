/**
 * The thread that sends bodies: sendfile(2) from the page cache to the socket, nothing copied, one poll(2) for all of them. The other end is
 * `thread-sender.ts`, which keeps the request, the head and the connection; here are descriptors and bytes only.
 */
import { fstatSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { Pacer, type Rates } from './pace.ts'
import { cork, loadSystemCalls, POLL_BYTES, POLLIN, POLLOUT, resetOnClose, sendFlags, whyNot } from './system-calls.ts'

/** A part of a body. `changedAt` (nanoseconds) and `size` are the file's when its entity tag was made. */
export type Piece =
  | { from: 'file'; descriptor: number; offset: number; length: number; changedAt: bigint; size: bigint }
  | { from: 'memory'; bytes: Uint8Array }

export type ThreadData = { wake: number; rates: Rates }

/** `socket` belongs to the thread from here on. */
export type Order =
  | { do: 'send'; id: number; socket: number; pieces: Piece[]; machine: string }
  | { do: 'cut'; id: number }
  | { do: 'pace'; rates: Rates }
  | { do: 'close' }

/** `gone`: the client; `changed`: a file; `cut`: as ordered; a number: the errno of what failed. */
export type End = 'complete' | 'gone' | 'changed' | 'cut' | number

/** `sent`: bytes that the kernel has taken. */
export type Report = { id: number; sent: number; end?: End }

/** In one turn to one client: half of what a socket holds at most, so that it is filled again before it has run empty. Less would be more turns for the same bytes. */
const CHUNK_BYTES = 2 * 1024 * 1024
const REPORT_EVERY_MS = 100
/**
 * Where processors are short, whoever hears packets or flushes a lease goes first: the slowest DHCP answers beside eight downloads were two to three
 * times as late without it, and the downloads no faster.
 */
const NICER_BY = 5
/** Nobody waits for this one: whoever has something to say wakes the thread. */
const LONGEST_POLL_MS = 500

type Body = {
  id: number
  socket: number
  pieces: Piece[]
  machine: string
  index: number
  /** Within the piece. */
  position: number
  left: number
  sent: number
  reported: number
}

const lengthOf = (piece: Piece): number => (piece.from === 'file' ? piece.length : piece.bytes.length)

function isPace({ perMachine, total }: Rates): boolean {
  return perMachine !== undefined || total !== undefined
}

class SendThread {
  readonly #port: MessagePort
  readonly #wake: number
  readonly #pacer: Pacer
  readonly #calls = loadSystemCalls()
  readonly #bodies = new Map<number, Body>()
  readonly #offset = new BigInt64Array(1)
  readonly #counter = new Uint8Array(8)
  #isPaced: boolean
  /** All bodies; made anew when one comes or goes. */
  #everybody: readonly Body[] | undefined
  /** Whom poll(2) is asked about, and what it says: first what wakes us, then their sockets. */
  #asked: readonly Body[] = []
  #entries = new Uint8Array(64 * POLL_BYTES)
  #view = new DataView(this.#entries.buffer)
  #reports: Report[] = []
  #reportedAt = 0

  constructor(port: MessagePort, { wake, rates }: ThreadData) {
    this.#port = port
    this.#wake = wake
    this.#pacer = new Pacer(rates, performance.now())
    this.#isPaced = isPace(rates)
    this.#ask([])
  }

  /** Stays in here while there are bodies; what comes meanwhile is taken from the port. */
  take(order: Order): void {
    this.#obey(order)
    while (this.#bodies.size > 0) this.#turn()
    this.#report()
  }

  #obey(order: Order): void {
    if (order.do === 'send') return this.#begin(order)
    if (order.do === 'pace') return this.#pace(order.rates)
    if (order.do === 'cut') {
      const body = this.#bodies.get(order.id)
      if (body) this.#end(body, 'cut')
      return
    }
    for (const body of this.#bodies.values()) this.#end(body, 'cut')
    // Who hears of no end closes the sockets himself, and by then their numbers may be others'.
    this.#report()
    this.#port.close()
  }

  #pace(rates: Rates): void {
    this.#pacer.use(rates, performance.now())
    this.#isPaced = isPace(rates)
  }

  #begin({ id, socket, pieces, machine }: Order & { do: 'send' }): void {
    const left = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0)
    const filled = pieces.filter(piece => lengthOf(piece) > 0)
    this.#bodies.set(id, { id, socket, pieces: filled, machine, index: 0, position: 0, left, sent: 0, reported: 0 })
    this.#everybody = undefined
    cork(this.#calls, socket, true)
    this.#pacer.enter(machine, performance.now())
  }

  #end(body: Body, end: End): void {
    this.#bodies.delete(body.id)
    this.#everybody = undefined
    this.#pacer.leave(body.machine)
    // A length was promised: the client must not take what it has for the whole, and its unread bytes are nobody's.
    if (end === 'complete') cork(this.#calls, body.socket, false)
    else resetOnClose(this.#calls, body.socket)
    this.#calls.close(body.socket)
    this.#reports.push({ id: body.id, sent: body.sent, end })
  }

  #turn(): void {
    const now = performance.now()
    const { bodies, waitMs } = this.#whoMaySend(now)
    if (bodies !== this.#asked) this.#ask(bodies)
    this.#calls.poll(this.#entries, bodies.length + 1, waitMs)
    if (this.#happened(0)) this.#listen()
    for (let index = 0; index < bodies.length; index++) {
      // One that was cut just now has no socket any more.
      if (this.#happened(index + 1) && this.#bodies.has(bodies[index]!.id)) this.#serve(bodies[index]!)
    }
    if (this.#reports.length > 0 || now - this.#reportedAt >= REPORT_EVERY_MS) this.#report()
  }

  #serve(body: Body): void {
    const most = this.#isPaced ? this.#pacer.allowance(body.machine, performance.now(), CHUNK_BYTES) : CHUNK_BYTES
    if (most === 0) return
    const before = body.sent
    const end = this.#send(body, most)
    if (this.#isPaced) this.#pacer.spend(body.machine, body.sent - before)
    if (end !== undefined) this.#end(body, end)
  }

  #whoMaySend(now: number): { bodies: readonly Body[]; waitMs: number } {
    const everybody = (this.#everybody ??= [...this.#bodies.values()])
    if (!this.#isPaced) return { bodies: everybody, waitMs: LONGEST_POLL_MS }
    const waits = everybody.map(({ machine }) => this.#pacer.waitMs(machine, now))
    return {
      bodies: everybody
        .filter((_, index) => waits[index] === 0)
        .toSorted((one, other) => this.#pacer.compare(one.machine, other.machine)),
      waitMs: Math.ceil(Math.min(LONGEST_POLL_MS, ...waits.filter(wait => wait > 0))),
    }
  }

  /** Kept as long as the same are asked: the kernel writes its answers only. */
  #ask(bodies: readonly Body[]): void {
    this.#asked = bodies
    const size = (bodies.length + 1) * POLL_BYTES
    if (this.#entries.length < size) {
      this.#entries = new Uint8Array(2 * size)
      this.#view = new DataView(this.#entries.buffer)
    }
    this.#askOne(0, this.#wake, POLLIN)
    for (const [index, { socket }] of bodies.entries()) this.#askOne(index + 1, socket, POLLOUT)
  }

  #askOne(index: number, descriptor: number, events: number): void {
    this.#view.setInt32(index * POLL_BYTES, descriptor, true)
    this.#view.setUint32(index * POLL_BYTES + 4, events, true)
  }

  #happened(index: number): boolean {
    return this.#view.getInt16(index * POLL_BYTES + 6, true) !== 0
  }

  #listen(): void {
    this.#calls.read(this.#wake, this.#counter, this.#counter.length)
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port))
      this.#obey(next.message as Order)
  }

  /** Sends until the socket is full, `most` is reached or the body has ended; how, if it has. */
  #send(body: Body, most: number): End | undefined {
    const stop = body.sent + most
    while (body.left > 0 && body.sent < stop) {
      const piece = body.pieces[body.index]!
      const wanted = Math.min(lengthOf(piece) - body.position, stop - body.sent)
      if (wanted === body.left && this.#isChanged(body)) return 'changed'
      const taken = piece.from === 'file' ? this.#handFile(body, piece, wanted) : this.#handBytes(body, piece, wanted)
      if (taken < 0) {
        const why = whyNot()
        return why === 'later' ? undefined : why
      }
      // The file ends before its size did.
      if (taken === 0) return 'changed'
      body.sent += taken
      body.left -= taken
      body.position += taken
      if (taken < wanted) return undefined
      if (body.position < lengthOf(piece)) continue
      body.index += 1
      body.position = 0
    }
    return body.left === 0 ? 'complete' : undefined
  }

  #handFile({ socket, position }: Body, piece: Piece & { from: 'file' }, wanted: number): number {
    this.#offset[0] = BigInt(piece.offset + position)
    return this.#calls.sendfile(socket, piece.descriptor, this.#offset, wanted)
  }

  #handBytes({ socket, position, left }: Body, { bytes }: Piece & { from: 'memory' }, wanted: number): number {
    const part = bytes.subarray(position, position + wanted)
    return this.#calls.send(socket, part, wanted, sendFlags(wanted < left))
  }

  /** Asked before the last bytes go: a file that was written to meanwhile is sent to its end to nobody. */
  #isChanged({ pieces }: Body): boolean {
    return pieces.some(piece => {
      if (piece.from === 'memory') return false
      const { mtimeNs, size } = fstatSync(piece.descriptor, { bigint: true })
      return mtimeNs !== piece.changedAt || size !== piece.size
    })
  }

  #report(): void {
    this.#reportedAt = performance.now()
    for (const body of this.#bodies.values()) {
      if (body.sent === body.reported) continue
      body.reported = body.sent
      this.#reports.push({ id: body.id, sent: body.sent })
    }
    if (this.#reports.length > 0) this.#port.postMessage(this.#reports)
    this.#reports = []
  }
}

if (parentPort) {
  // Of this thread alone, where the kernel is Linux (setpriority(2)).
  setPriority(Math.min(getPriority() + NICER_BY, constants.priority.PRIORITY_LOW))
  const thread = new SendThread(parentPort, workerData as ThreadData)
  parentPort.on('message', (order: Order) => thread.take(order))
}
