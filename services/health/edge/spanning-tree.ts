/** Listens for frames of spanning tree on an interface: a packet socket, which needs CAP_NET_RAW (packet(7)). */
import koffi from 'koffi'
import type { Clock } from '../../kit/clock.ts'
import type { SpanningTree } from '../probe/link.ts'
import { HELLOS_MS, parseSpanningTree, SPANNING_TREE_GROUPS } from '../probe/spanning-tree.ts'

const AF_PACKET = 17
const SOCK_RAW = 3
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
/** Frames with a length in place of a type: LLC. In network order, as the kernel wants it. */
const ETH_P_802_2 = 0x0400
const SOL_PACKET = 263
const PACKET_ADD_MEMBERSHIP = 1
const MULTICAST = 0
const MAC_BYTES = 6
const LOOK_EVERY_MS = 100
const FRAME_BYTES = 256

type Libc = {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  if_nametoindex(name: string): number
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number
  close(fd: number): number
}

function libc(): Libc {
  const library = koffi.load('libc.so.6')
  return {
    socket: library.func('int socket(int, int, int)'),
    bind: library.func('int bind(int, const uint8_t *, uint32_t)'),
    setsockopt: library.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
    if_nametoindex: library.func('uint32_t if_nametoindex(const char *)'),
    recv: library.func('long recv(int, _Out_ uint8_t *, size_t, int)'),
    close: library.func('int close(int)'),
  } as Libc
}

/** struct sockaddr_ll and struct packet_mreq. */
function linkAddress(index: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(20))
  view.setUint16(0, AF_PACKET, true)
  view.setUint16(2, ETH_P_802_2, true)
  view.setInt32(4, index, true)
  return new Uint8Array(view.buffer)
}

function membership(index: number, group: Uint8Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(16))
  view.setInt32(0, index, true)
  view.setUint16(4, MULTICAST, true)
  view.setUint16(6, MAC_BYTES, true)
  const bytes = new Uint8Array(view.buffer)
  bytes.set(group, 8)
  return bytes
}

/** The first frame that comes; undefined where this user may not listen. */
export async function hearSpanningTree(device: string, clock: Clock): Promise<SpanningTree | 'silent' | undefined> {
  const c = libc()
  const fd = c.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) return undefined
  try {
    const index = c.if_nametoindex(device)
    const address = linkAddress(index)
    if (index === 0 || c.bind(fd, address, address.length) < 0) return undefined
    for (const group of SPANNING_TREE_GROUPS) {
      const wish = membership(index, group)
      c.setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, wish, wish.length)
    }
    for (let left = HELLOS_MS / LOOK_EVERY_MS; left > 0; left -= 1) {
      const heard = takeOne(c, fd)
      if (heard) return heard
      await new Promise<void>(resolve => clock.after(LOOK_EVERY_MS, resolve))
    }
    return 'silent'
  } finally {
    c.close(fd)
  }
}

/** Frames of other kinds of LLC are passed over, a bounded number at a time. */
const FRAMES_AT_ONCE = 64

function takeOne(c: Libc, fd: number): SpanningTree | undefined {
  for (let left = FRAMES_AT_ONCE; left > 0; left -= 1) {
    const bytes = new Uint8Array(FRAME_BYTES)
    const length = c.recv(fd, bytes, bytes.length, 0)
    if (length < 0) return undefined
    const heard = parseSpanningTree(bytes.subarray(0, length))
    if (heard) return heard
  }
  return undefined
}
