/** The few calls of libc that send a body without copying it, and without waiting: sendfile(2), send(2), poll(2) and what wakes who polls. */
import koffi from 'koffi'

/** Values of Linux, equal on x86-64 and arm64. */
export const POLLIN = 1
export const POLLOUT = 4
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const MSG_MORE = 0x8000
const EFD_NONBLOCK = 0o4000
const EFD_CLOEXEC = 0o2000000
const F_DUPFD_CLOEXEC = 1030
const SOL_SOCKET = 1
const SO_LINGER = 13
const IPPROTO_TCP = 6
const TCP_CORK = 3
const TCP_CONGESTION = 13
/** Of the kernel's names of congestion controls, with the zero at the end. */
const CONGESTION_BYTES = 16
/** Ask again later. */
const EINTR = 4
const EAGAIN = 11
/** What a socket says when nobody is at its other end any more. */
const GONE = new Set([32, 101, 103, 104, 107, 110, 111, 113])

/** struct pollfd: the descriptor, what is asked, what is so. */
export const POLL_BYTES = 8

export type SystemCalls = {
  sendfile(to: number, from: number, offset: BigInt64Array, count: number): number
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number
  poll(entries: Uint8Array, count: number, timeoutMs: number): number
  eventfd(initial: number, flags: number): number
  read(fd: number, bytes: Uint8Array, count: number): number
  write(fd: number, bytes: Uint8Array, count: number): number
  fcntl(fd: number, command: number, argument: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: [number]): number
  close(fd: number): number
}

/** Throws where FFI can't be loaded. Each thread has its own. */
export function loadSystemCalls(): SystemCalls {
  const library = koffi.load('libc.so.6')
  return {
    sendfile: library.func('int64_t sendfile(int, int, int64_t *, size_t)'),
    send: library.func('int64_t send(int, const uint8_t *, size_t, int)'),
    poll: library.func('int poll(uint8_t *, unsigned long, int)'),
    eventfd: library.func('int eventfd(unsigned int, int)'),
    read: library.func('int64_t read(int, uint8_t *, size_t)'),
    write: library.func('int64_t write(int, const uint8_t *, size_t)'),
    setsockopt: library.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
    getsockopt: library.func('int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)'),
    fcntl: library.func('int fcntl(int, int, int)'),
    close: library.func('int close(int)'),
  } as SystemCalls
}

/** Why the last call of this thread to send something failed; a number is an errno that says nothing about the client, as of a disk that can't be read. */
export function whyNot(): 'later' | 'gone' | number {
  const errno = koffi.errno()
  if (errno === EAGAIN || errno === EINTR) return 'later'
  return GONE.has(errno) ? 'gone' : errno
}

/** For send(2): never waits, never signals; `more` says that the next bytes follow at once. */
export function sendFlags(more: boolean): number {
  return MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0)
}

/** Another descriptor of the same open socket, which outlives the first one; negative if there is none. */
export function duplicate(calls: SystemCalls, fd: number): number {
  return calls.fcntl(fd, F_DUPFD_CLOEXEC, 0)
}

/** A counter that poll(2) sees when it is not zero. */
export function openWake(calls: SystemCalls): number {
  return calls.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
}

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer)

export function wake(calls: SystemCalls, fd: number): void {
  calls.write(fd, ONE, ONE.length)
}

/** struct linger: on, no seconds. The peer hears at once that the connection is over, and the kernel keeps nothing for it. */
const NO_LINGER = new Uint8Array(new Int32Array([1, 0]).buffer)

export function resetOnClose(calls: SystemCalls, fd: number): void {
  calls.setsockopt(fd, SOL_SOCKET, SO_LINGER, NO_LINGER, NO_LINGER.length)
}

const [ON, OFF] = [1, 0].map(value => new Uint8Array(new Int32Array([value]).buffer)) as [Uint8Array, Uint8Array]

/**
 * While it is corked, a socket sends full segments only. Node has switched Nagle's algorithm off, and then every ACK sends what is there at that moment,
 * which cuts the body into small packets: one client got two thirds of what nginx (tcp_nopush) brings it. Uncorked, what is left goes at once.
 */
export function cork(calls: SystemCalls, fd: number, isCorked: boolean): void {
  calls.setsockopt(fd, IPPROTO_TCP, TCP_CORK, isCorked ? ON : OFF, ON.length)
}

/** The congestion control of a socket, by the kernel's name. */
export function congestionOf(calls: SystemCalls, fd: number): string {
  const name = new Uint8Array(CONGESTION_BYTES)
  calls.getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, [name.length])
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)))
}

export function setCongestion(calls: SystemCalls, fd: number, name: string): void {
  calls.setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, new TextEncoder().encode(name), name.length)
}

/**
 * For a listening socket: its connections are not BBR's. That spaces packets by a timer of the kernel for each connection, for the sake of routes that are long
 * and lossy; on one wire it costs half of the throughput and a third of the processor. A connection that BBR has begun keeps its timer. Reno is in every
 * kernel, and at such round trips CUBIC does the same (RFC 9438 §4.3).
 */
export function leaveBbr(calls: SystemCalls, listener: number): void {
  if (congestionOf(calls, listener) === 'bbr') setCongestion(calls, listener, 'reno')
}
