/**
 * Tells machines of the lab at once that there is no IPv6 router. iPXE of 2019 otherwise waits 13 to 18 seconds for one before
 * its first HTTP request. For the lab's own network only: an appliance has no business to send router advertisements.
 */
import koffi from 'koffi'
import { EnvironmentProblem } from '../kit/problem.ts'

/** Values of <linux/in6.h>, <asm-generic/socket.h> and <bits/socket.h>, equal on x86-64 and arm64. */
const AF_INET6 = 10
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000
const IPPROTO_IPV6 = 41
const IPPROTO_ICMPV6 = 58
const IPV6_MULTICAST_HOPS = 18
const SOL_SOCKET = 1
const SO_BINDTODEVICE = 25
/** A router advertisement with another hop limit is thrown away (RFC 4861 §6.1.2). */
const HOP_LIMIT = 255
const INTERVAL_MS = 3000

/**
 * RFC 4861 §4.2: type 134; lifetime 0, that is no default router; nothing is said about prefixes, resolvers or timers.
 * The kernel fills in the checksum (RFC 3542 §3.1).
 */
export const BARE_ADVERTISEMENT = Uint8Array.from([134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

/** struct sockaddr_in6 of ff02::1, all nodes on the link: family in host order, then zeros but for the address. */
function allNodes(): Uint8Array {
  const address = new Uint8Array(28)
  new DataView(address.buffer).setUint16(0, AF_INET6, true)
  address.set([0xff, 0x02], 8)
  address[23] = 1
  return address
}

function libc() {
  const library = koffi.load('libc.so.6')
  return {
    socket: library.func('int socket(int, int, int)') as (domain: number, type: number, protocol: number) => number,
    setsockopt: library.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)') as Setsockopt,
    sendto: library.func('long sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)') as Sendto,
    close: library.func('int close(int)') as (fd: number) => number,
  }
}
type Setsockopt = (fd: number, level: number, name: number, value: Uint8Array, length: number) => number
type Sendto = (fd: number, bytes: Uint8Array, length: number, flags: number, to: Uint8Array, toLength: number) => number

/**
 * Sends one now and every three seconds, until the returned function is called. Needs CAP_NET_RAW, and a link-local address on
 * the interface; while there is none yet, nothing is sent. Throws EnvironmentProblem `no-raw-socket`.
 */
export function advertiseNoRouter(device: string): () => void {
  const c = libc()
  const fd = c.socket(AF_INET6, SOCK_RAW_NONBLOCK_CLOEXEC, IPPROTO_ICMPV6)
  const name = new TextEncoder().encode(`${device}\0`)
  const hops = Uint8Array.from([HOP_LIMIT, 0, 0, 0])
  const ready =
    fd >= 0 &&
    c.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) === 0 &&
    c.setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops, hops.length) === 0
  if (!ready) {
    const errno = koffi.errno()
    if (fd >= 0) c.close(fd)
    throw new EnvironmentProblem(
      'no-raw-socket',
      `can't send router advertisements on ${device} (errno ${errno})`,
      'run the lab as root',
    )
  }
  const to = allNodes()
  const send = (): void => {
    c.sendto(fd, BARE_ADVERTISEMENT, BARE_ADVERTISEMENT.length, 0, to, to.length)
  }
  send()
  const timer = setInterval(send, INTERVAL_MS)
  return () => {
    clearInterval(timer)
    c.close(fd)
  }
}
