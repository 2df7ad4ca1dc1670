/** The ports of the appliance, all opened before anything serves: either all of them, or one line that says which one and why. */
import { closeSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { HandedSockets } from './activation.ts'
import type { DatagramPort } from './datagram-port.ts'
import { type Ipv4, UNSPECIFIED } from './ipv4.ts'
import { confineSocket, openNativeSocket, PortRefusal } from './native-socket.ts'
import { EnvironmentProblem, type Problem } from './problem.ts'
import { adoptUdpPort } from './udp-port.ts'

const DHCP_PORT = 67
/** Of DHCP clients: what other servers broadcast is heard there. */
const DHCP_CLIENT_PORT = 68
/** PXE's boot server (PXE 2.1 §2.5). */
const BOOT_SERVER_PORT = 4011
const TFTP_PORT = 69
const DNS_PORT = 53

export type SocketRequest = {
  interface: string
  address: Ipv4
  /** Whether this appliance speaks DHCP, as the server of its VLAN or beside another one. */
  dhcp: boolean
  httpPort: number
  tlsPort: number
}

/** TCP sockets are descriptors that listen already; their servers adopt them. */
export type Sockets = {
  dhcp?: DatagramPort
  bootServer?: DatagramPort
  /** Port 68, shared with DHCP clients of this host. Serving does not need it, so it may be why it can't be had instead. */
  dhcpWatch?: DatagramPort | Problem
  tftp: DatagramPort
  dns: DatagramPort
  dnsTcp: number
  http: number
  https: number
}

/** One that only listens in is not ours alone, and nothing depends on it. */
export type WantedSocket = { name: string; kind: 'udp' | 'tcp'; address: Ipv4; port: number; listensIn?: true }

const OF_DHCP = ['dhcp', 'boot-server', 'dhcp-watch']

export function wantedSockets(request: SocketRequest): WantedSocket[] {
  const { address } = request
  const all: WantedSocket[] = [
    // Clients without an address broadcast, so DHCP listens on every address of its one interface.
    { name: 'dhcp', kind: 'udp', address: UNSPECIFIED, port: DHCP_PORT },
    { name: 'boot-server', kind: 'udp', address, port: BOOT_SERVER_PORT },
    { name: 'dhcp-watch', kind: 'udp', address: UNSPECIFIED, port: DHCP_CLIENT_PORT, listensIn: true },
    { name: 'tftp', kind: 'udp', address, port: TFTP_PORT },
    { name: 'dns', kind: 'udp', address, port: DNS_PORT },
    { name: 'dns-tcp', kind: 'tcp', address, port: DNS_PORT },
    { name: 'http', kind: 'tcp', address, port: request.httpPort },
    { name: 'https', kind: 'tcp', address, port: request.tlsPort },
  ]
  return request.dhcp ? all : all.filter(({ name }) => !OF_DHCP.includes(name))
}

/**
 * An address of another interface can be bound, and then nobody on the served network reaches it. Interfaces that are down are not listed,
 * so only what is known for sure counts.
 */
function refuseForeignAddress(device: string, address: Ipv4): void {
  const known = Object.entries(networkInterfaces()).flatMap(([label, list]) =>
    (list ?? []).map(entry => ({ device: label.split(':')[0], address: entry.address, family: entry.family })),
  )
  const own = known.filter(entry => entry.device === device && entry.family === 'IPv4').map(entry => entry.address)
  const owner = known.find(entry => entry.address === address)
  if (own.includes(address) || (own.length === 0 && !owner)) return
  const instead = own.length > 0 ? `it has ${own.join(', ')}` : `${owner?.device} has it`
  throw new EnvironmentProblem(
    'socket',
    `${device} does not have the address ${address} (${instead})`,
    'see `ip -4 address`, and set network.address',
  )
}

function listOf(words: string[]): string {
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

/** All refusals as one: ports that fail for the same reason in one sentence. */
function merged(refusals: PortRefusal[], device: string): EnvironmentProblem {
  const reasons = [...Map.groupBy(refusals, ({ why }) => why)]
  const message = reasons
    .map(([why, all]) => `can't listen on ${listOf(all.map(({ port }) => port))} of ${device}: ${why}`)
    .join('; ')
  return new EnvironmentProblem('socket', message, [...new Set(refusals.map(({ problem }) => problem.hint))].join('; '))
}

function openOne(wanted: WantedSocket, device: string, handed: HandedSockets): number {
  const { name, kind, address, port, listensIn = false } = wanted
  const given = handed.get(name)
  if (given === undefined) return openNativeSocket(kind, { device, address, port, shared: listensIn })
  confineSocket(given, name, kind, { device, port })
  return given
}

/** Returns why those could not be had that nothing depends on. */
function openAll(request: SocketRequest, handed: HandedSockets, opened: Map<string, number>): Map<string, Problem> {
  const refusals: PortRefusal[] = []
  const lacking = new Map<string, Problem>()
  for (const wanted of wantedSockets(request)) {
    try {
      opened.set(wanted.name, openOne(wanted, request.interface, handed))
    } catch (error) {
      if (!(error instanceof PortRefusal)) throw error
      if (wanted.listensIn) lacking.set(wanted.name, error.problem)
      else refusals.push(error)
    }
  }
  refuseForeignAddress(request.interface, request.address)
  if (refusals.length > 0) throw merged(refusals, request.interface)
  return lacking
}

/** Descriptors by name, handed over or opened here. Throws EnvironmentProblem naming every port that can't be had; none stays open then. */
export async function openSockets(request: SocketRequest, handed: HandedSockets): Promise<Sockets> {
  const opened = new Map<string, number>()
  let lacking: Map<string, Problem>
  try {
    lacking = openAll(request, handed, opened)
  } catch (error) {
    for (const fd of opened.values()) closeSync(fd)
    throw error
  }
  const fd = (name: string): number => opened.get(name)!
  const dhcpWatch = opened.has('dhcp-watch') ? await adoptUdpPort(fd('dhcp-watch')) : lacking.get('dhcp-watch')
  return {
    ...(dhcpWatch ? { dhcpWatch } : {}),
    ...(opened.has('dhcp') ? { dhcp: await adoptUdpPort(fd('dhcp')) } : {}),
    ...(opened.has('boot-server') ? { bootServer: await adoptUdpPort(fd('boot-server')) } : {}),
    tftp: await adoptUdpPort(fd('tftp')),
    dns: await adoptUdpPort(fd('dns')),
    dnsTcp: fd('dns-tcp'),
    http: fd('http'),
    https: fd('https'),
  }
}
