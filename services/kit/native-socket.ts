/**
 * Sockets that hear one interface only. Node cannot set SO_BINDTODEVICE, so the socket is made through libc and
 * handed to `dgram` or `net` as a descriptor, which is a public way in of both.
 */
import koffi from 'koffi'
import { ipv4ToBytes, type Ipv4 } from './ipv4.ts'
import { EnvironmentProblem } from './problem.ts'

/** Values of <asm-generic/socket.h> and <bits/socket.h>, equal on x86-64 and arm64. */
const AF_INET = 2
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const IPPROTO_ICMP = 1
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_TYPE = 3
const SO_BROADCAST = 6
const SO_RCVBUF = 8
const SO_BINDTODEVICE = 25
const SO_RCVBUFFORCE = 33

const ENODEV = 19
const IFNAMSIZ = 16
/** struct ifreq: the name, then a union of 24 octets. */
const IFREQ_BYTES = 40
const SIOCGIFFLAGS = 0x8913
const SIOCGIFMTU = 0x8921
const SIOCGIFINDEX = 0x8933
const IFF_UP = 0x1
/** There is carrier, and nothing below keeps it from working. */
const IFF_RUNNING = 0x40
const SOCKADDR_BYTES = 16

const INTERFACE_HINT = 'see `ip link` for the names, and set network.interface'
/** The shipped generator makes units fit the site file whenever systemd reads them. */
const TELL_SYSTEMD = 'say `systemctl daemon-reload`, and start it again'
/** Why a port can't be had, as PortRefusal says it. */
export const NOT_PERMITTED = 'not permitted'
export const PORT_TAKEN = 'the port is taken'

const ERRNO_HINTS: Record<number, [what: string, hint: string]> = {
  1: [NOT_PERMITTED, 'run as root, through the systemd units, or grant CAP_NET_BIND_SERVICE and CAP_NET_RAW'],
  13: [NOT_PERMITTED, 'run as root, through the systemd units, or grant CAP_NET_BIND_SERVICE and CAP_NET_RAW'],
  98: [PORT_TAKEN, 'see which process holds it with `ss -lnup` or `ss -lntp`, and stop it'],
  99: ['the address is not on this machine', 'see `ip -4 address`, and set network.address'],
}

type Libc = {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: [number]): number
  getsockname(fd: number, address: Uint8Array, length: [number]): number
  bind(fd: number, address: Uint8Array, length: number): number
  listen(fd: number, backlog: number): number
  ioctl(fd: number, request: number, argument: Uint8Array): number
  close(fd: number): number
}

let loaded: Libc | undefined

function libc(): Libc {
  if (loaded) return loaded
  const library = koffi.load('libc.so.6')
  loaded = {
    socket: library.func('int socket(int, int, int)'),
    setsockopt: library.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
    getsockopt: library.func('int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)'),
    getsockname: library.func('int getsockname(int, _Out_ uint8_t *, _Inout_ uint32_t *)'),
    bind: library.func('int bind(int, const uint8_t *, uint32_t)'),
    listen: library.func('int listen(int, int)'),
    ioctl: library.func('int ioctl(int, unsigned long, _Inout_ uint8_t *)'),
    close: library.func('int close(int)'),
  } as Libc
  return loaded
}

function intOption(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value, true)
  return bytes
}

/** struct sockaddr_in: family in host order, port and address in network order, eight bytes of padding. */
function socketAddress(address: Ipv4, port: number): Uint8Array {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint16(0, AF_INET, true)
  new DataView(bytes.buffer).setUint16(2, port, false)
  bytes.set(ipv4ToBytes(address), 4)
  return bytes
}

export type NativeSocketRequest = {
  device?: string
  address: Ipv4
  port: number
  /** Of a UDP socket; room for a rack that is switched on unless fewer are enough. */
  receiveBufferBytes?: number
  /** Of UDP: whoever shares the port, too, may have it beside us (SO_REUSEADDR), and each hears all broadcasts. */
  shared?: boolean
}

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
const LISTEN_BACKLOG = 511

/** One port that can't be had, and why: ports that fail alike are told in one sentence. */
export class PortRefusal extends EnvironmentProblem {
  /** As `udp 10.77.0.1:53`. */
  readonly port: string
  readonly why: string

  constructor(port: string, device: string | undefined, why: string, hint: string) {
    super('socket', `can't listen on ${port}${device ? ` of ${device}` : ''}: ${why}`, hint)
    this.port = port
    this.why = why
  }
}

function refusal(
  kind: 'udp' | 'tcp',
  { device, address, port }: NativeSocketRequest,
  errno: number,
): EnvironmentProblem {
  if (errno === ENODEV && device)
    return new EnvironmentProblem('socket', `there is no interface ${device}`, INTERFACE_HINT)
  const [why, hint] = ERRNO_HINTS[errno] ?? [`errno ${errno}`, 'see errno(3) for the number']
  return new PortRefusal(`${kind} ${address}:${port}`, device, why, hint)
}

/**
 * A bound, non-blocking socket's descriptor; a stream socket listens already. The caller hands it to `dgram` or `net`, which close it.
 * Throws PortRefusal when the port is taken, the address is missing or the right is lacking; EnvironmentProblem `socket` without the interface.
 */
export function openNativeSocket(kind: 'udp' | 'tcp', request: NativeSocketRequest): number {
  const c = libc()
  const fd = c.socket(AF_INET, (kind === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  const check = (result: number): void => {
    if (result >= 0) return
    const errno = koffi.errno()
    if (fd >= 0) c.close(fd)
    throw refusal(kind, request, errno)
  }
  const set = (name: number, value: Uint8Array): void => check(c.setsockopt(fd, SOL_SOCKET, name, value, value.length))
  check(fd)
  // For UDP, reuse would let a second DHCP server on this machine share the port unnoticed; TCP needs it to restart at once.
  if (kind === 'tcp' || request.shared) set(SO_REUSEADDR, intOption(1))
  if (kind === 'udp') {
    set(SO_BROADCAST, intOption(1))
    // With the right to (CAP_NET_ADMIN) beyond net.core.rmem_max, which holds a few hundred datagrams: a rack that is switched on sends more at once.
    const size = intOption(request.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES)
    if (c.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, size.length) < 0) set(SO_RCVBUF, size)
  }
  if (request.device) set(SO_BINDTODEVICE, deviceOption(request.device))
  check(c.bind(fd, socketAddress(request.address, request.port), SOCKADDR_BYTES))
  if (kind === 'tcp') check(c.listen(fd, LISTEN_BACKLOG))
  return fd
}

/**
 * A socket of one interface that sends ICMP echo requests and hears the replies to them, and nothing else (icmp(7)); `dgram` adopts it like a
 * UDP socket. Undefined where net.ipv4.ping_group_range does not let this process have one.
 */
export function openPingSocket(device: string): number | undefined {
  const c = libc()
  const fd = c.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP)
  if (fd < 0) return undefined
  const name = deviceOption(device)
  if (c.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) >= 0) return fd
  c.close(fd)
  return undefined
}

/** The largest IP packet that the interface takes now, in octets; undefined where there is no such interface. */
export function interfaceMtu(device: string): number | undefined {
  return askInterface(device, SIOCGIFMTU)?.getInt32(IFNAMSIZ, true)
}

/** `index` is another one when a device of that name was made anew: sockets of the one before hear nothing any more. */
export type InterfaceState = { index: number; isUp: boolean; hasCarrier: boolean }

/** Undefined where there is no such interface. */
export function interfaceState(device: string): InterfaceState | undefined {
  const index = askInterface(device, SIOCGIFINDEX)?.getInt32(IFNAMSIZ, true)
  const flags = askInterface(device, SIOCGIFFLAGS)?.getUint16(IFNAMSIZ, true)
  if (index === undefined || flags === undefined) return undefined
  return { index, isUp: (flags & IFF_UP) !== 0, hasCarrier: (flags & IFF_RUNNING) !== 0 }
}

function askInterface(device: string, question: number): DataView | undefined {
  const c = libc()
  const fd = c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) return undefined
  const request = new Uint8Array(IFREQ_BYTES)
  request.set(deviceOption(device).subarray(0, IFNAMSIZ))
  const found = c.ioctl(fd, question, request) >= 0
  c.close(fd)
  return found ? new DataView(request.buffer) : undefined
}

function deviceOption(device: string): Uint8Array {
  return new TextEncoder().encode(`${device}\0`)
}

/** What a descriptor is, if it is a bound IPv4 socket at all. */
type Found = { kind: 'udp' | 'tcp' | undefined; port: number; device: string }

function inspect(fd: number): Found | undefined {
  const c = libc()
  const [type, name, address] = [new Uint8Array(4), new Uint8Array(IFNAMSIZ), new Uint8Array(SOCKADDR_BYTES)]
  const nameLength: [number] = [IFNAMSIZ]
  if (
    c.getsockopt(fd, SOL_SOCKET, SO_TYPE, type, [4]) < 0 ||
    c.getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, nameLength) < 0
  )
    return undefined
  if (c.getsockname(fd, address, [SOCKADDR_BYTES]) < 0) return undefined
  const view = new DataView(address.buffer)
  if (view.getUint16(0, true) !== AF_INET) return undefined
  const kinds: Record<number, 'udp' | 'tcp'> = { [SOCK_DGRAM]: 'udp', [SOCK_STREAM]: 'tcp' }
  const device = new TextDecoder().decode(name).slice(0, nameLength[0]).replace(/\0.*$/s, '')
  return { kind: kinds[type[0]!], port: view.getUint16(2, false), device }
}

/**
 * Makes sure that a socket which somebody else opened is the one that is wanted, and hears that interface only (F09): a unit without
 * BindToDevice= would serve every network of this machine. Needs no capability (Linux 5.7). Throws EnvironmentProblem `handed-socket`.
 */
export function confineSocket(
  fd: number,
  name: string,
  kind: 'udp' | 'tcp',
  wanted: { device: string; port: number },
): void {
  const c = libc()
  const wrong = (what: string, hint: string) =>
    new EnvironmentProblem('handed-socket', `the socket "${name}" that the service manager handed over ${what}`, hint)
  const found = inspect(fd)
  if (!found && koffi.errno() === ENODEV)
    throw wrong(
      'hears an interface that was deleted',
      'let the service manager open them anew: `systemctl restart "rackrise-*.socket"`',
    )
  if (found?.kind !== kind)
    throw wrong(
      `is no IPv4 ${kind} socket`,
      `see its unit: ${kind === 'udp' ? 'ListenDatagram' : 'ListenStream'}=0.0.0.0:${wanted.port}`,
    )
  if (found.port !== wanted.port)
    throw wrong(
      `has port ${found.port}, not ${wanted.port}`,
      `${TELL_SYSTEMD}; or make its unit and the site file name the same port`,
    )
  if (found.device !== '' && found.device !== wanted.device)
    throw wrong(
      `hears ${found.device}, not ${wanted.device}`,
      `${TELL_SYSTEMD}; or set BindToDevice=${wanted.device} in its unit, or network.interface in the site file`,
    )
  const device = deviceOption(wanted.device)
  if (found.device === '' && c.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, device.length) < 0) {
    const errno = koffi.errno()
    if (errno === ENODEV)
      throw new EnvironmentProblem('socket', `there is no interface ${wanted.device}`, INTERFACE_HINT)
    throw wrong(`cannot be bound to ${wanted.device} (errno ${errno})`, `set BindToDevice=${wanted.device} in its unit`)
  }
  // A unit without Broadcast= would leave machines that have no address yet without a reply.
  if (kind === 'udp') c.setsockopt(fd, SOL_SOCKET, SO_BROADCAST, intOption(1), 4)
}
