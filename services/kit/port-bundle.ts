/**
 * Many ports with a number of their own each and little to hear on any of them, as TFTP's transfers have. Node calls back once per datagram and port;
 * with the first that it reports, what waits on all the others is found through epoll and answered in the same turn of the event loop.
 */
import { closeSync } from 'node:fs'
import koffi from 'koffi'
import type { Datagram, DatagramPort, DatagramPortRequest, OpenDatagramPort } from './datagram-port.ts'
import { ipv4FromNumber } from './ipv4.ts'
import { Linger } from './linger.ts'
import { openNativeSocket } from './native-socket.ts'
import { adoptUdpPort, type UdpPort } from './udp-port.ts'

const PORTS_PER_ROUND = 64
/** What is heard on such a port is short; a longer datagram is dropped, not cut. */
const BUFFER_BYTES = 2048
/** Peers speak when they are spoken to: a port needs no room for bursts, and five hundred of them must not fill the kernel's memory. */
const RECEIVE_BUFFER_BYTES = 64 * 1024

const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const EPOLLIN = 1
/** struct epoll_event, which is packed on x86-64 only; a descriptor stands in its data. */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16
const EVENT_FD_AT = EVENT_BYTES - 8
const ADDRESS_BYTES = 16
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40

type Calls = {
  epoll_create1(flags: number): number
  epoll_ctl(epoll: number, operation: number, fd: number, event: Uint8Array): number
  epoll_wait(epoll: number, events: unknown, most: number, milliseconds: number): number
  recvfrom(fd: number, bytes: unknown, length: number, flags: number, from: unknown, fromLength: unknown): number
}

/** Memory that the kernel writes into. */
class Memory {
  readonly pointer: unknown
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(size: number) {
    this.pointer = koffi.alloc('uint8_t', size)
    this.bytes = new Uint8Array(koffi.view(this.pointer, size))
    this.view = new DataView(this.bytes.buffer)
  }
}

type Native = { calls: Calls; events: Memory; buffer: Memory; from: Memory; fromLength: Memory }
let loaded: Native | undefined

/** Made once and shared, since nothing here waits. */
function native(): Native {
  if (loaded) return loaded
  const library = koffi.load('libc.so.6')
  const calls = {
    epoll_create1: library.func('int epoll_create1(int)'),
    epoll_ctl: library.func('int epoll_ctl(int, int, int, const uint8_t *)'),
    epoll_wait: library.func('int epoll_wait(int, void *, int, int)'),
    recvfrom: library.func('long recvfrom(int, void *, size_t, int, void *, void *)'),
  } as Calls
  loaded = {
    calls,
    events: new Memory(PORTS_PER_ROUND * EVENT_BYTES),
    buffer: new Memory(BUFFER_BYTES),
    from: new Memory(ADDRESS_BYTES),
    fromLength: new Memory(4),
  }
  return loaded
}

/** The next datagram that waits on the socket; a copy, since the receiver may keep it. */
function receiveOne(fd: number): Datagram | undefined {
  const { calls, buffer, from, fromLength } = native()
  fromLength.view.setUint32(0, ADDRESS_BYTES, true)
  const flags = MSG_DONTWAIT | MSG_TRUNC
  const length = calls.recvfrom(fd, buffer.pointer, BUFFER_BYTES, flags, from.pointer, fromLength.pointer)
  if (length < 0 || length > BUFFER_BYTES) return undefined
  return {
    bytes: Buffer.from(buffer.bytes.subarray(0, length)),
    from: { address: ipv4FromNumber(from.view.getUint32(4, false)), port: from.view.getUint16(2, false) },
  }
}

/** Ports that are heard together. Each is closed by whoever opened it; the bundle needs no end. */
export class PortBundle {
  readonly #ports = new Map<number, UdpPort>()
  /** There while there are ports. */
  #epoll = -1
  readonly #linger = new Linger()

  /** Throws EnvironmentProblem as `openNativeSocket` does. */
  readonly open: OpenDatagramPort = async (request: DatagramPortRequest): Promise<DatagramPort> => {
    const fd = openNativeSocket('udp', { ...request, receiveBufferBytes: RECEIVE_BUFFER_BYTES })
    const port = await adoptUdpPort(fd, (first, datagram) => this.#reported(first, datagram))
    this.#add(port)
    return {
      local: port.local,
      onDatagram: receive => port.onDatagram(receive),
      send: (bytes, to) => port.send(bytes, to),
      close: () => {
        this.#remove(port)
        return port.close()
      },
    }
  }

  #add(port: UdpPort): void {
    const { calls } = native()
    if (this.#ports.size === 0) this.#epoll = calls.epoll_create1(EPOLL_CLOEXEC)
    this.#ports.set(port.fd, port)
    const event = new DataView(new ArrayBuffer(EVENT_BYTES))
    event.setUint32(0, EPOLLIN, true)
    event.setInt32(EVENT_FD_AT, port.fd, true)
    calls.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, port.fd, new Uint8Array(event.buffer))
  }

  /** The kernel takes a socket that is closed out of the set. */
  #remove(port: UdpPort): void {
    if (this.#ports.get(port.fd) !== port) return
    this.#ports.delete(port.fd)
    if (this.#ports.size === 0) closeSync(this.#epoll)
  }

  #reported(first: UdpPort, datagram: Datagram): void {
    answer(first, datagram)
    const { calls, events } = native()
    this.#linger.begin(performance.now())
    for (let found = true; this.#linger.goesOn(found, performance.now()) && this.#ports.size > 0; ) {
      const count = calls.epoll_wait(this.#epoll, events.pointer, PORTS_PER_ROUND, 0)
      for (let index = 0; index < count; index += 1) {
        // Closed meanwhile, perhaps, by what another one heard.
        const port = this.#ports.get(events.view.getInt32(index * EVENT_BYTES + EVENT_FD_AT, true))
        const next = port && receiveOne(port.fd)
        if (next) answer(port, next)
      }
      found = count > 0
    }
  }
}

/** What it leads to is sent at once: the peer waits, and the other ports have nothing to add. */
function answer(port: UdpPort, datagram: Datagram): void {
  port.deliver(datagram)
  port.flush()
}
