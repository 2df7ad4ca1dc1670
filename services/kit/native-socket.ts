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
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_BROADCAST = 6
const SO_RCVBUF = 8
const SO_BINDTODEVICE = 25

const ERRNO_HINTS: Record<number, [what: string, hint: string]> = {
  1: ['not permitted', 'run as root, through the systemd units, or grant CAP_NET_BIND_SERVICE and CAP_NET_RAW'],
  13: ['not permitted', 'run as root, through the systemd units, or grant CAP_NET_BIND_SERVICE and CAP_NET_RAW'],
  19: ['the interface does not exist', 'see `ip link` for the names, and set network.interface'],
  98: ['the port is taken', 'see which process holds it with `ss -lnup` or `ss -lntp`, and stop it'],
  99: ['the address is not on this machine', 'see `ip -4 address`, and set network.address'],
}

type Libc = {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  listen(fd: number, backlog: number): number
  close(fd: number): number
}

let loaded: Libc | undefined

function libc(): Libc {
  if (loaded) return loaded
  const library = koffi.load('libc.so.6')
  loaded = {
    socket: library.func('int socket(int, int, int)'),
    setsockopt: library.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
    bind: library.func('int bind(int, const uint8_t *, uint32_t)'),
    listen: library.func('int listen(int, int)'),
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

export type NativeSocketRequest = { device?: string; address: Ipv4; port: number }

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
const LISTEN_BACKLOG = 511

/**
 * A bound, non-blocking socket's descriptor; a stream socket listens already. The caller hands it to `dgram` or `net`, which close it.
 * Throws EnvironmentProblem `socket` when the port is taken, the interface is missing or the right is lacking.
 */
export function openNativeSocket(kind: 'udp' | 'tcp', request: NativeSocketRequest): number {
  const c = libc()
  const where = `${kind} ${request.address}:${request.port}${request.device ? ` on ${request.device}` : ''}`
  const fd = c.socket(AF_INET, (kind === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  const check = (result: number): void => {
    if (result >= 0) return
    const errno = koffi.errno()
    if (fd >= 0) c.close(fd)
    const [what, hint] = ERRNO_HINTS[errno] ?? [`errno ${errno}`, 'see errno(3) for the number']
    throw new EnvironmentProblem('socket', `can't listen on ${where}: ${what}`, hint)
  }
  const set = (name: number, value: Uint8Array): void => check(c.setsockopt(fd, SOL_SOCKET, name, value, value.length))
  check(fd)
  // For UDP, reuse would let a second DHCP server on this machine share the port unnoticed; TCP needs it to restart at once.
  if (kind === 'tcp') set(SO_REUSEADDR, intOption(1))
  else {
    set(SO_BROADCAST, intOption(1))
    set(SO_RCVBUF, intOption(RECEIVE_BUFFER_BYTES))
  }
  if (request.device) set(SO_BINDTODEVICE, new TextEncoder().encode(`${request.device}\0`))
  check(c.bind(fd, socketAddress(request.address, request.port), 16))
  if (kind === 'tcp') check(c.listen(fd, LISTEN_BACKLOG))
  return fd
}
