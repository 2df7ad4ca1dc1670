/**
 * Many datagrams with one system call: recvmmsg and sendmmsg through libc. Node calls back once per datagram; when it reports the
 * first of a burst the rest is taken from here, and all replies of a turn leave together. One arena of memory serves every port, since
 * receiving and sending never wait.
 */
import koffi from 'koffi'
import type { Datagram, Endpoint } from './datagram-port.ts'
import { ipv4FromNumber, ipv4ToNumber } from './ipv4.ts'
import { freshOctets } from './octets.ts'

/** Datagrams in one system call. */
const BATCH = 64
/**
 * Of those that are sent, fewer: a relay agent and a switch have room for some hundreds, and what is worked out in a millisecond would otherwise come
 * to them at once. perfdhcp lost one answer in a hundred of bursts of 64.
 */
const SENT_AT_ONCE = 8
/** A jumbo frame: no protocol here has a larger datagram; a longer one is dropped, not cut. */
const BUFFER_BYTES = 9216

/** Sizes and places in struct mmsghdr, iovec and sockaddr_in of 64-bit Linux. */
const HEADER_BYTES = 64
const NAME_AT = 0
const NAME_LENGTH_AT = 8
const VECTOR_AT = 16
const VECTORS_AT = 24
const FLAGS_AT = 48
const LENGTH_AT = 56
const VECTOR_BYTES = 16
const VECTOR_LENGTH_AT = 8
const ADDRESS_BYTES = 16

const AF_INET = 2
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40

type Calls = {
  recvmmsg(fd: number, headers: unknown, count: number, flags: number, timeout: null): number
  sendmmsg(fd: number, headers: unknown, count: number, flags: number): number
}

/** Headers, vectors, addresses and buffers for one direction; pointers between them, and lengths that never change, are written once. */
class Arena {
  readonly pointer: unknown
  readonly #start: bigint
  readonly #view: DataView
  readonly #bytes: Uint8Array
  readonly #addressesAt = BATCH * (HEADER_BYTES + VECTOR_BYTES)
  readonly #buffersAt = BATCH * (HEADER_BYTES + VECTOR_BYTES + ADDRESS_BYTES)

  constructor() {
    const size = this.#buffersAt + BATCH * BUFFER_BYTES
    this.pointer = koffi.alloc('uint8_t', size)
    const memory = koffi.view(this.pointer, size)
    this.#view = new DataView(memory)
    this.#bytes = new Uint8Array(memory)
    const start = koffi.address(this.pointer)
    this.#start = start
    for (let index = 0; index < BATCH; index++) {
      const vector = BATCH * HEADER_BYTES + index * VECTOR_BYTES
      this.#view.setBigUint64(
        index * HEADER_BYTES + NAME_AT,
        start + BigInt(this.#addressesAt + index * ADDRESS_BYTES),
        true,
      )
      this.#view.setBigUint64(index * HEADER_BYTES + VECTOR_AT, start + BigInt(vector), true)
      this.#view.setBigUint64(index * HEADER_BYTES + VECTORS_AT, 1n, true)
      this.#view.setBigUint64(vector, start + BigInt(this.#buffersAt + index * BUFFER_BYTES), true)
      // The kernel leaves the room of a buffer as it is, and every address of this family has the same length.
      this.#view.setUint32(vector + VECTOR_LENGTH_AT, BUFFER_BYTES, true)
      this.#view.setUint32(index * HEADER_BYTES + NAME_LENGTH_AT, ADDRESS_BYTES, true)
    }
  }

  /** Where the headers from this one on stand, for the kernel. */
  headerAt(index: number): unknown {
    return index === 0 ? this.pointer : this.#start + BigInt(index * HEADER_BYTES)
  }

  /** A copy, since the receiver may keep it; undefined for one that did not fit. */
  read(index: number): Datagram | undefined {
    if (this.#view.getInt32(index * HEADER_BYTES + FLAGS_AT, true) & MSG_TRUNC) return undefined
    const length = this.#view.getUint32(index * HEADER_BYTES + LENGTH_AT, true)
    return { bytes: this.#copy(index, length), from: this.#endpoint(index) }
  }

  #copy(index: number, length: number): Uint8Array {
    const from = this.#buffersAt + index * BUFFER_BYTES
    const bytes = freshOctets(length)
    bytes.set(this.#bytes.subarray(from, from + length))
    return bytes
  }

  #endpoint(index: number): Endpoint {
    const at = this.#addressesAt + index * ADDRESS_BYTES
    return { address: ipv4FromNumber(this.#view.getUint32(at + 4)), port: this.#view.getUint16(at + 2) }
  }

  write(index: number, bytes: Uint8Array, to: Endpoint): void {
    const at = this.#addressesAt + index * ADDRESS_BYTES
    this.#view.setUint32(BATCH * HEADER_BYTES + index * VECTOR_BYTES + VECTOR_LENGTH_AT, bytes.length, true)
    this.#view.setUint16(at, AF_INET, true)
    this.#view.setUint16(at + 2, to.port)
    this.#view.setUint32(at + 4, ipv4ToNumber(to.address))
    this.#bytes.set(bytes, this.#buffersAt + index * BUFFER_BYTES)
  }

  /** A copy of what `write` wrote. */
  written(index: number): { bytes: Uint8Array; to: Endpoint } {
    const length = this.#view.getUint32(BATCH * HEADER_BYTES + index * VECTOR_BYTES + VECTOR_LENGTH_AT, true)
    return { bytes: this.#copy(index, length), to: this.#endpoint(index) }
  }
}

let calls: Calls | undefined
let arenas: { incoming: Arena; outgoing: Arena } | undefined

function prepare(): { calls: Calls; incoming: Arena; outgoing: Arena } {
  if (!calls) {
    const library = koffi.load('libc.so.6')
    calls = {
      recvmmsg: library.func('int recvmmsg(int, void *, unsigned int, int, void *)'),
      sendmmsg: library.func('int sendmmsg(int, void *, unsigned int, int)'),
    } as Calls
  }
  arenas ??= { incoming: new Arena(), outgoing: new Arena() }
  return { calls, ...arenas }
}

/** What waits on the socket now, at most one batch; nothing waits for more. `full` says that there may be more. */
export function receiveBatch(fd: number): { datagrams: Datagram[]; full: boolean } {
  const { calls: c, incoming } = prepare()
  const count = c.recvmmsg(fd, incoming.pointer, BATCH, MSG_DONTWAIT, null)
  const datagrams: Datagram[] = []
  for (let index = 0; index < count; index++) {
    const datagram = incoming.read(index)
    if (datagram) datagrams.push(datagram)
  }
  return { datagrams, full: count === BATCH }
}

/** Somebody who queues datagrams; the arena is one, so whoever begins makes the one before send first. */
export interface Sender {
  readonly fd: number
  flush(): void
}

let sender: Sender | undefined
let queued = 0
let isFlushDue = false

/** What waits leaves at the end of the turn, unless its sender flushes before. */
function flushLater(): void {
  if (isFlushDue) return
  isFlushDue = true
  queueMicrotask(() => {
    isFlushDue = false
    sender?.flush()
  })
}

/** Copies the datagram into the batch that waits. False, and nothing done, for one that is longer than any protocol here has. */
export function queueDatagram(from: Sender, bytes: Uint8Array, to: Endpoint): boolean {
  if (bytes.length > BUFFER_BYTES) return false
  if (queued > 0 && (sender !== from || queued === SENT_AT_ONCE)) sender?.flush()
  sender = from
  prepare().outgoing.write(queued, bytes, to)
  queued += 1
  flushLater()
  return true
}

/** Sends what this sender has queued. `refused` gets a copy of each one that the kernel did not take: its buffer is full, or there is no way. */
export function sendQueued(from: Sender, refused: (bytes: Uint8Array, to: Endpoint) => void): void {
  if (sender !== from) return
  const count = queued
  queued = 0
  sender = undefined
  const { calls: c, outgoing } = prepare()
  for (let at = 0; at < count; ) {
    at += Math.max(c.sendmmsg(from.fd, outgoing.headerAt(at), count - at, MSG_DONTWAIT), 0)
    // The call ends at the first one that is refused; those behind it go on.
    if (at < count) {
      const { bytes, to } = outgoing.written(at)
      refused(bytes, to)
      at += 1
    }
  }
}
