/** The real datagram port: a UDP socket bound to one interface, driven by Node's `dgram`. */
import { createSocket, type Socket } from 'node:dgram'
import type { Datagram, DatagramPort, DatagramPortRequest, Endpoint } from './datagram-port.ts'
import type { Ipv4 } from './ipv4.ts'
import { openNativeSocket } from './native-socket.ts'

/** Opens, binds and returns a port. Throws EnvironmentProblem when the port is taken or the interface is missing. */
export async function openUdpPort(request: DatagramPortRequest): Promise<DatagramPort> {
  return adoptUdpPort(openNativeSocket('udp', request))
}

/** A bound socket that somebody else made: the service manager, or `openNativeSocket`. */
export async function adoptUdpPort(fd: number): Promise<DatagramPort> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ fd }, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  return portOf(socket)
}

function portOf(socket: Socket): DatagramPort {
  const { address, port } = socket.address()
  let receive: (datagram: Datagram) => void = () => {}
  let closing: Promise<void> | undefined
  socket.on('message', (bytes, from) => receive({ bytes, from: { address: from.address as Ipv4, port: from.port } }))
  // ICMP errors of earlier sends surface here; a client that went away is no reason to stop.
  socket.on('error', () => {})
  return {
    local: { address: address as Ipv4, port },
    onDatagram(next) {
      receive = next
    },
    send(bytes: Uint8Array, to: Endpoint) {
      // dgram throws on port 0, which is what a spoofed source can carry.
      if (closing || to.port < 1 || to.port > 65_535) return
      socket.send(bytes, to.port, to.address, () => {})
    },
    close() {
      // A start that fails half-way closes what it opened, whoever has it by then.
      closing ??= new Promise(resolve => socket.close(() => resolve()))
      return closing
    },
  }
}
