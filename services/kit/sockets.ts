/** The ports of the appliance, all opened before anything serves: either all of them, or one line that says which one and why. */
import { closeSync } from 'node:fs'
import type { HandedSockets } from './activation.ts'
import type { DatagramPort } from './datagram-port.ts'
import { type Ipv4, UNSPECIFIED } from './ipv4.ts'
import { openNativeSocket } from './native-socket.ts'
import { EnvironmentProblem } from './problem.ts'
import { adoptUdpPort } from './udp-port.ts'

const DHCP_PORT = 67
const TFTP_PORT = 69
const DNS_PORT = 53

export type SocketRequest = {
  interface: string
  address: Ipv4
  /** Whether this appliance is the DHCP server of its VLAN. */
  dhcp: boolean
  httpPort: number
  tlsPort: number
}

/** TCP sockets are descriptors that listen already; their servers adopt them. */
export type Sockets = { dhcp?: DatagramPort; tftp: DatagramPort; dns: DatagramPort; dnsTcp: number; http: number; https: number }

type Wanted = { name: string; kind: 'udp' | 'tcp'; address: Ipv4; port: number }

function wantedSockets(request: SocketRequest): Wanted[] {
  const { address } = request
  const all: Wanted[] = [
    // Clients without an address broadcast, so DHCP listens on every address of its one interface.
    { name: 'dhcp', kind: 'udp', address: UNSPECIFIED, port: DHCP_PORT },
    { name: 'tftp', kind: 'udp', address, port: TFTP_PORT },
    { name: 'dns', kind: 'udp', address, port: DNS_PORT },
    { name: 'dns-tcp', kind: 'tcp', address, port: DNS_PORT },
    { name: 'http', kind: 'tcp', address, port: request.httpPort },
    { name: 'https', kind: 'tcp', address, port: request.tlsPort },
  ]
  return request.dhcp ? all : all.filter(({ name }) => name !== 'dhcp')
}

/** Descriptors by name, handed over or opened here. Throws EnvironmentProblem naming every port that can't be had; none stays open then. */
export async function openSockets(request: SocketRequest, handed: HandedSockets): Promise<Sockets> {
  const opened = new Map<string, number>()
  const failures: EnvironmentProblem[] = []
  for (const { name, kind, address, port } of wantedSockets(request)) {
    try {
      opened.set(name, handed.get(name) ?? openNativeSocket(kind, { device: request.interface, address, port }))
    } catch (error) {
      if (!(error instanceof EnvironmentProblem)) throw error
      failures.push(error)
    }
  }
  if (failures.length > 0) {
    for (const fd of opened.values()) closeSync(fd)
    const hints = [...new Set(failures.map(({ problem }) => problem.hint))]
    throw new EnvironmentProblem('socket', failures.map(({ problem }) => problem.message).join('; '), hints.join('; '))
  }
  const fd = (name: string): number => opened.get(name)!
  return {
    ...(opened.has('dhcp') ? { dhcp: await adoptUdpPort(fd('dhcp')) } : {}),
    tftp: await adoptUdpPort(fd('tftp')),
    dns: await adoptUdpPort(fd('dns')),
    dnsTcp: fd('dns-tcp'),
    http: fd('http'),
    https: fd('https'),
  }
}
