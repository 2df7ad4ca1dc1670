/** The real datagram port: a UDP socket bound to one interface, driven by Node's `dgram`, which bursts are drained from in batches. */
import { createSocket, type Socket } from 'node:dgram'
import { queueDatagram, receiveBatch, type Sender, sendQueued } from './datagram-batch.ts'
import type { Datagram, DatagramPort, DatagramPortRequest, Endpoint } from './datagram-port.ts'
import type { Ipv4 } from './ipv4.ts'
import { openNativeSocket } from './native-socket.ts'

/** Batches taken in one turn of the event loop, so that a flood on one port does not starve the others. */
const BATCHES_MOST = 8

/** Opens, binds and returns a port. Throws EnvironmentProblem when the port is taken or the interface is missing. */
export async function openUdpPort(request: DatagramPortRequest): Promise<DatagramPort> {
  return adoptUdpPort(openNativeSocket('udp', request))
}

/** A bound socket that somebody else made: the service manager, or `openNativeSocket`. */
export async function adoptUdpPort(fd: number, reported: Reported = drainBurst): Promise<UdpPort> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ fd }, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  return new UdpPort(socket, fd, reported)
}

/** Takes what Node reported, and what else waits. */
export type Reported = (port: UdpPort, first: Datagram) => void

/** The first of a burst: the rest is taken at once, and everything answered together. */
function drainBurst(port: UdpPort, first: Datagram): void {
  port.deliver(first)
  for (let batches = 0; batches < BATCHES_MOST && !port.closed; batches++) {
    const { datagrams, full } = receiveBatch(port.fd)
    for (const datagram of datagrams) port.deliver(datagram)
    if (!full) break
  }
  port.flush()
}

export class UdpPort implements DatagramPort, Sender {
  readonly local: Endpoint
  readonly fd: number
  readonly #socket: Socket
  #receive: (datagram: Datagram) => void = () => {}
  #closing: Promise<void> | undefined
  /** By `dgram`, which waits when the kernel has no room. */
  readonly #sendAlone = (bytes: Uint8Array, to: Endpoint): void => {
    this.#socket.send(bytes, to.port, to.address, () => {})
  }

  constructor(socket: Socket, fd: number, reported: Reported) {
    const { address, port } = socket.address()
    this.local = { address: address as Ipv4, port }
    this.#socket = socket
    this.fd = fd
    socket.on('message', (bytes, from) =>
      reported(this, { bytes, from: { address: from.address as Ipv4, port: from.port } }),
    )
    // ICMP errors of earlier sends surface here; a client that went away is no reason to stop.
    socket.on('error', () => {})
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  deliver(datagram: Datagram): void {
    this.#receive(datagram)
  }

  onDatagram(receive: (datagram: Datagram) => void): void {
    this.#receive = receive
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    // Nobody can be answered at port 0, which is what a spoofed source can carry.
    if (this.#closing || to.port < 1 || to.port > 65_535) return
    if (queueDatagram(this, bytes, to)) return
    this.flush()
    this.#sendAlone(bytes.slice(), to)
  }

  close(): Promise<void> {
    this.flush()
    // A start that fails half-way closes what it opened, whoever has it by then.
    this.#closing ??= new Promise(resolve => this.#socket.close(() => resolve()))
    return this.#closing
  }

  /** Sends what was queued; otherwise that happens at the end of the turn. */
  flush(): void {
    sendQueued(this, this.#sendAlone)
  }
}
